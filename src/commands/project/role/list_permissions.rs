//! `listProjectRolePermissions`: the rules of the roles of a project, in order.

use super::{found, view::ProjectRolePermissionView};
use crate::{
    command::{Inner, prelude::*},
    store::project_role,
};

/// `listProjectRolePermissions`.
#[derive(Debug)]
pub(in super::super) struct ListProjectRolePermissions;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the ID of the role; all roles when not given
    #[param(name = "projectroleid")]
    project_role_id: Option<Inner<id::ProjectRole>>,
}

impl Command for ListProjectRolePermissions {
    const SPEC: Spec = Spec {
        name: "listProjectRolePermissions",
        about: "Lists the rules of the roles of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProjectRolePermissionView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { project_id, project_role_id } = request;
        let rules = cx
            .db
            .read(move |conn| {
                let role = project_role_id.map(|Inner(id)| id);
                if let Some(id) = role {
                    found(conn, (Self::SPEC.name, "projectroleid"), project_id, id)?;
                }
                project_role::rules(conn, project_id, role)
            })
            .await?;
        let view = |rule| ProjectRolePermissionView::new(project_id, rule);
        Ok(List::whole(rules.into_iter().map(view).collect()))
    }
}
