//! `deleteProjectRolePermission`: one rule less.

use super::{super::power::changeable, rule};
use crate::{
    command::{Inner, prelude::*},
    store::project_role,
};

/// `deleteProjectRolePermission`.
#[derive(Debug)]
pub(in super::super) struct DeleteProjectRolePermission;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the ID of the rule
    id: Inner<id::ProjectRolePermission>,
}

impl Command for DeleteProjectRolePermission {
    const SPEC: Spec = Spec {
        name: "deleteProjectRolePermission",
        about: "Removes a rule from a role of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ROLE.PERMISSION.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        cx.write(move |tx, caller| {
            changeable(tx, caller, request.project_id)?;
            let gone = rule(tx, (Self::SPEC.name, "id"), request.project_id, request.id.0)?;
            project_role::remove_rule(tx, gone.id)?;
            Ok((Some((Kind::Project, request.project_id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
