//! `deleteProjectRole`: removes a role that no member has.

use super::{super::power::changeable, found};
use crate::{
    command::{Inner, prelude::*},
    store::project_role,
};

/// `deleteProjectRole`.
#[derive(Debug)]
pub(in super::super) struct DeleteProjectRole;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the role
    id: Inner<id::ProjectRole>,
    /// the ID of the project
    project_id: Id<id::Project>,
}

impl Command for DeleteProjectRole {
    const SPEC: Spec = Spec {
        name: "deleteProjectRole",
        about: "Deletes a role of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ROLE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        cx.write(move |tx, caller| {
            changeable(tx, caller, request.project_id)?;
            let role = found(tx, (Self::SPEC.name, "id"), request.project_id, request.id.0)?;
            project_role::remove(tx, role.id)?;
            Ok((Some((Kind::Project, request.project_id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
