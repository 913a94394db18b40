//! `updateRolePermission`: the order of a role's rules, or whether one of them allows.

use super::rule_text::{check_own, is_allowed};
use crate::{command::prelude::*, store::role};

/// `updateRolePermission`.
#[derive(Debug)]
pub(super) struct UpdateRolePermission;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the role
    #[param(name = "roleid")]
    role_id: Id<id::Role>,
    /// the IDs of all rules of the role in their new order
    #[param(name = "ruleorder")]
    rule_order: Vec<Id<id::RolePermission>>,
    /// the ID of the rule to change
    #[param(name = "ruleid")]
    rule_id: Option<Id<id::RolePermission>>,
    /// allow or deny
    permission: Option<String>,
}

impl Command for UpdateRolePermission {
    const SPEC: Spec = Spec {
        name: "updateRolePermission",
        about: "Updates a rule of a role, or the order of its rules",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: Some("ROLE.PERMISSION.UPDATE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Success> {
        let Request { role_id, rule_order, rule_id, permission } = request;
        let one = match (rule_id, permission) {
            (None, None) if !rule_order.is_empty() => None,
            (Some(id), Some(permission)) if rule_order.is_empty() => {
                Some((id, is_allowed(&permission)?))
            }
            _ => {
                return Err(Error::invalid(
                    "Parameters permission and ruleid must be mutually exclusive with ruleorder",
                ));
            }
        };
        cx.write(move |tx, _| {
            let owner = role::revise(tx, role_id)?;
            check_own(&owner, "Role permission cannot be updated for Default roles")?;
            match one {
                None => role::reorder(tx, role_id, &rule_order)?,
                Some((id, is_allowed)) => {
                    if role::rule(tx, id)?.role_id != role_id {
                        return Err(Error::Invalid(format!("the rule {id} is another role's")));
                    }
                    role::permit(tx, id, is_allowed)?;
                }
            }
            Ok((Some((Kind::Role, role_id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
