//! `listRolePermissions`: the rules of a role, in order.

use super::view::RolePermissionView;
use crate::{
    command::prelude::*,
    store::{Window, role},
};

/// `listRolePermissions`.
#[derive(Debug)]
pub(super) struct ListRolePermissions;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the role; all roles when not given
    #[param(name = "roleid")]
    role_id: Option<Id<id::Role>>,
}

impl Command for ListRolePermissions {
    const SPEC: Spec = Spec {
        name: "listRolePermissions",
        about: "Lists the rules of a role",
        since: "4.9.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<RolePermissionView>;

    async fn run(cx: &Cx, Request { role_id }: Request) -> Result<Self::Response> {
        let (rules, roles) = cx
            .db
            .read(move |conn| {
                let rules = match role_id {
                    Some(id) => role::rules(conn, id)?,
                    None => role::all_rules(conn)?,
                };
                let filter = role::Filter { id: role_id, ..Default::default() };
                Ok((rules, role::list(conn, &filter, &Window::ALL)?.1))
            })
            .await?;
        let names: BTreeMap<_, _> = roles.into_iter().map(|role| (role.id, role.name)).collect();
        let view = |rule: role::Rule| {
            let name = names.get(&rule.role_id).cloned().unwrap_or_default();
            RolePermissionView::new(rule, name)
        };
        Ok(List::whole(rules.into_iter().map(view).collect()))
    }
}
