//! `suspendProject`: nothing new is made in it until it is active again.

use super::{
    power::switch,
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

impl ImmediateCommand for SuspendProject {
    const SPEC: Spec = Spec {
        name: "suspendProject",
        about: "Suspends a project: nothing new is made in it, its instances run on",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.SUSPEND"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = One<ProjectView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        switch(tx, caller, request.id, false)
    }

    async fn tell(cx: &Cx, id: Id<id::Project>) -> Result<One<ProjectView>> {
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }
}
