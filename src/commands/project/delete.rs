//! `deleteProject`: a project that owns nothing any more.

use super::power::changeable;
use crate::{
    command::prelude::*,
    store::{owner, project},
};
use serde::{Deserialize, Serialize};

/// `deleteProject`.
#[derive(Debug)]
pub(super) struct DeleteProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    id: Id<id::Project>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    project: Id<id::Project>,
}

impl AsyncCommand for DeleteProject {
    const SPEC: Spec = Spec {
        name: "deleteProject",
        about: "Deletes a project that owns nothing",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let id = request.id;
        let gone = changeable(tx, caller, id)?;
        owner::check_owns_nothing(tx, gone.account.0)?;
        project::remove(tx, &gone)?;
        let subject = Some((Kind::Project, id.uuid()));
        Ok(Admitted { plan: Plan { project: id }, subject, created: None, describe: None })
    }

    async fn run(_: &Cx, _: &Plan) -> Result<Success> {
        Ok(Success::YES)
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
