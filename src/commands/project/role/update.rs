//! `updateProjectRole`: another name or description.

use super::{super::power::changeable, found, view::ProjectRoleView};
use crate::{
    command::{Inner, prelude::*},
    store::project_role,
};

/// `updateProjectRole`.
#[derive(Debug)]
pub(in super::super) struct UpdateProjectRole;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the role
    id: Inner<id::ProjectRole>,
    /// the name of the role
    name: Option<String>,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// what the role is for
    description: Option<String>,
}

impl Command for UpdateProjectRole {
    const SPEC: Spec = Spec {
        name: "updateProjectRole",
        about: "Updates a role of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ROLE.UPDATE"),
    };
    type Request = Request;
    type Response = One<ProjectRoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let changed = cx
            .write(move |tx, caller| {
                changeable(tx, caller, request.project_id)?;
                let words = (Self::SPEC.name, "id");
                let mut role = found(tx, words, request.project_id, request.id.0)?;
                let name = request.name.clone().filter(|name| !name.trim().is_empty());
                role.name = name.unwrap_or(role.name);
                role.description = request.description.clone().or(role.description);
                project_role::write(tx, &role)?;
                Ok((Some((Kind::Project, request.project_id.uuid())), role))
            })
            .await?;
        Ok(One(changed.into()))
    }
}
