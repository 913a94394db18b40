//! `deleteRolePermission`: one rule less.

use super::rule_text::check_own;
use crate::{command::prelude::*, store::role};

/// `deleteRolePermission`.
#[derive(Debug)]
pub(super) struct DeleteRolePermission;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the rule
    id: Id<id::RolePermission>,
}

impl Command for DeleteRolePermission {
    const SPEC: Spec = Spec {
        name: "deleteRolePermission",
        about: "Removes a rule from a role",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: Some("ROLE.PERMISSION.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Success> {
        cx.write(move |tx, _| {
            let rule = role::rule(tx, id)?;
            let owner = role::revise(tx, rule.role_id)?;
            check_own(&owner, "Role permission cannot be deleted for Default roles")?;
            role::remove_rule(tx, id)?;
            Ok((Some((Kind::RolePermission, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
