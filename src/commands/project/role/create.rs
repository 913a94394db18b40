//! `createProjectRole`: one more role of a project, without rules at first.

use super::{super::power::changeable, view::ProjectRoleView};
use crate::{
    command::prelude::*,
    store::project_role::{self, ProjectRole},
};

/// `createProjectRole`.
#[derive(Debug)]
pub(in super::super) struct CreateProjectRole;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the name of the role, unique in the project
    name: String,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// what the role is for
    description: Option<String>,
}

impl Command for CreateProjectRole {
    const SPEC: Spec = Spec {
        name: "createProjectRole",
        about: "Creates a role of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ROLE.CREATE"),
    };
    type Request = Request;
    type Response = One<ProjectRoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let made = cx
            .write(move |tx, caller| {
                changeable(tx, caller, request.project_id)?;
                let new = ProjectRole {
                    id: Id::mint(),
                    project_id: request.project_id,
                    name: request.name.clone(),
                    description: request.description.clone(),
                };
                project_role::insert(tx, &new)?;
                Ok((Some((Kind::Project, request.project_id.uuid())), new))
            })
            .await?;
        Ok(One(made.into()))
    }
}
