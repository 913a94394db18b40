//! `listProjectRoles`: the roles of a project.

use super::{found, view::ProjectRoleView};
use crate::{
    command::{Inner, prelude::*},
    store::project_role,
};

/// `listProjectRoles`.
#[derive(Debug)]
pub(in super::super) struct ListProjectRoles;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the role
    #[param(name = "projectroleid")]
    project_role_id: Option<Inner<id::ProjectRole>>,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the role
    name: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListProjectRoles {
    const SPEC: Spec = Spec {
        name: "listProjectRoles",
        about: "Lists the roles of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProjectRoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { project_role_id, project_id, name, page } = request;
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let id = project_role_id.map(|Inner(id)| id);
                if let Some(id) = id {
                    found(conn, (Self::SPEC.name, "projectroleid"), project_id, id)?;
                }
                project_role::list(conn, project_id, id, name.as_deref(), &page.window())
            })
            .await?;
        Ok(List::page(count, rows.into_iter().map(ProjectRoleView::from).collect()))
    }
}
