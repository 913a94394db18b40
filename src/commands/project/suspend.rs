//! `suspendProject`: nothing new is made in it until it is active again.

use super::{
    power::{Plan, switch},
    view::{ProjectView, one},
};
use crate::command::prelude::*;

/// `suspendProject`.
#[derive(Debug)]
pub(super) struct SuspendProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    id: Id<id::Project>,
}

impl AsyncCommand for SuspendProject {
    const SPEC: Spec = Spec {
        name: "suspendProject",
        about: "Suspends a project: nothing new is made in it, its instances run on",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.SUSPEND"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<ProjectView>;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        switch(tx, caller, request.id, false)
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<ProjectView>> {
        let id = plan.project;
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
