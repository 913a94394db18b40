//! `updateProjectRolePermission`: the order of a role's rules, or whether one of them allows.

use super::{super::power::changeable, found, rule};
use crate::{
    command::{Inner, prelude::*},
    domain::identity::is_allowed,
    store::project_role,
};

/// `updateProjectRolePermission`.
#[derive(Debug)]
pub(in super::super) struct UpdateProjectRolePermission;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(in super::super) struct Request {
    /// the ID of the role
    #[param(name = "projectroleid")]
    project_role_id: Inner<id::ProjectRole>,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the IDs of all rules of the role in their new order
    #[param(name = "ruleorder")]
    rule_order: Vec<Inner<id::ProjectRolePermission>>,
    /// the ID of the rule to change
    #[param(name = "projectrolepermissionid")]
    rule_id: Option<Inner<id::ProjectRolePermission>>,
    /// allow or deny
    permission: Option<String>,
}

impl Command for UpdateProjectRolePermission {
    const SPEC: Spec = Spec {
        name: "updateProjectRolePermission",
        about: "Updates a rule of a role of a project, or the order of its rules",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ROLE.PERMISSION.UPDATE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let one = match (request.rule_id, &request.permission) {
            (None, None) if !request.rule_order.is_empty() => None,
            (Some(Inner(id)), Some(permission)) if request.rule_order.is_empty() => {
                Some((id, is_allowed(permission).map_err(Error::Invalid)?))
            }
            _ => {
                return Err(Error::invalid(
                    "Parameters permission and ruleid must be mutually exclusive with ruleorder",
                ));
            }
        };
        cx.write(move |tx, caller| {
            let project = request.project_id;
            changeable(tx, caller, project)?;
            let words = (Self::SPEC.name, "projectroleid");
            let role = found(tx, words, project, request.project_role_id.0)?;
            match one {
                Some((id, is_allowed)) => {
                    let words = (Self::SPEC.name, "projectrolepermissionid");
                    let found = rule(tx, words, project, id)?;
                    if found.role_id != role.id {
                        return Err(Error::Invalid(format!("the rule {id} is another role's")));
                    }
                    project_role::permit(tx, id, is_allowed)?;
                }
                None => {
                    let order: Vec<_> = request.rule_order.iter().map(|Inner(id)| *id).collect();
                    let rules = project_role::rules(tx, project, Some(role.id))?;
                    let mut now: Vec<_> = rules.into_iter().map(|(rule, _)| rule.id).collect();
                    let mut wanted = order.clone();
                    now.sort();
                    wanted.sort();
                    if now != wanted {
                        return Err(Error::Conflict(
                            "the order does not name each rule of the role once".to_owned(),
                        ));
                    }
                    project_role::reorder(tx, &order)?;
                }
            }
            Ok((Some((Kind::Project, project.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
