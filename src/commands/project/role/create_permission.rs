//! `createProjectRolePermission`: one more rule behind the others of a role.

use super::{super::power::changeable, found, view::ProjectRolePermissionView};
use crate::{
    command::{Inner, prelude::*},
    domain::identity::{is_allowed, rule_text},
    store::project_role::{self, Rule},
};

/// `createProjectRolePermission`.
#[derive(Debug)]
pub(in super::super) struct CreateProjectRolePermission;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the role
    #[param(name = "projectroleid")]
    project_role_id: Inner<id::ProjectRole>,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the commands: a name, or one with `*` for any part
    rule: String,
    /// allow or deny
    permission: String,
    /// what the rule is for
    description: Option<String>,
}

impl Command for CreateProjectRolePermission {
    const SPEC: Spec = Spec {
        name: "createProjectRolePermission",
        about: "Adds a rule to a role of a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ROLE.PERMISSION.CREATE"),
    };
    type Request = Request;
    type Response = One<ProjectRolePermissionView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let rule = rule_text(&request.rule).map_err(Error::Invalid)?.to_owned();
        let is_allowed = is_allowed(&request.permission).map_err(Error::Invalid)?;
        let made = cx
            .write(move |tx, caller| {
                let project = request.project_id;
                changeable(tx, caller, project)?;
                let words = (Self::SPEC.name, "projectroleid");
                let role = found(tx, words, project, request.project_role_id.0)?;
                let new = Rule {
                    id: Id::mint(),
                    role_id: role.id,
                    rule: rule.clone(),
                    is_allowed,
                    description: request.description.clone(),
                    sort_order: 0,
                };
                project_role::append(tx, new.clone())?;
                let view = ProjectRolePermissionView::new(project, (new, role.name));
                Ok((Some((Kind::Project, project.uuid())), view))
            })
            .await?;
        Ok(One(made))
    }
}
