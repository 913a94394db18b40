//! `createRolePermission`: one more rule behind the others of a role.

use super::{
    rule_text::{check_own, rule},
    view::RolePermissionView,
};
use crate::{command::prelude::*, store::role};

/// `createRolePermission`.
#[derive(Debug)]
pub(super) struct CreateRolePermission;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the role
    #[param(name = "roleid")]
    role_id: Id<id::Role>,
    /// the commands: a name, or one with `*` for any part
    rule: String,
    /// allow or deny
    permission: String,
    /// what the rule is for
    description: Option<String>,
}

impl Command for CreateRolePermission {
    const SPEC: Spec = Spec {
        name: "createRolePermission",
        about: "Adds a rule to a role",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: Some("ROLE.PERMISSION.CREATE"),
    };
    type Request = Request;
    type Response = One<RolePermissionView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { role_id, rule: text, permission, description } = request;
        let new = rule(&text, &permission, description.as_deref())?;
        let made = cx
            .write(move |tx, _| {
                let owner = role::revise(tx, role_id)?;
                check_own(&owner, "Role permission cannot be added for Default roles")?;
                role::append(tx, role_id, std::slice::from_ref(&new))?;
                let made = role::rules(tx, role_id)?.pop();
                let made =
                    made.ok_or_else(|| Error::internal("the rule just made is not there"))?;
                let subject = Some((Kind::RolePermission, made.id.uuid()));
                Ok((subject, RolePermissionView::new(made, owner.name)))
            })
            .await?;
        Ok(One(made))
    }
}
