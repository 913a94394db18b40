//! `activateProject`: new things may be made in it again.

use super::{
    power::switch,
    view::{ProjectView, one},
};
use crate::command::prelude::*;

/// `activateProject`.
#[derive(Debug)]
pub(super) struct ActivateProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    id: Id<id::Project>,
}

impl ImmediateCommand for ActivateProject {
    const SPEC: Spec = Spec {
        name: "activateProject",
        about: "Activates a project that was suspended",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ACTIVATE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = One<ProjectView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        switch(tx, caller, request.id, true)
    }

    async fn tell(cx: &Cx, id: Id<id::Project>) -> Result<One<ProjectView>> {
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }
}
