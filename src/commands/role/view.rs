//! The `role` object.

use crate::{
    command::prelude::*,
    store::{identity, role::Rule},
};

/// A role.
#[derive(Debug, View)]
#[view(object = "role")]
pub struct RoleView {
    /// the ID of the role
    id: Id<id::Role>,
    /// the name of the role
    name: String,
    /// the kind of the role
    #[view(name = "type")]
    kind: &'static str,
    /// what the role is for
    description: String,
    /// whether every cloud has the role
    is_default: bool,
    /// whether everyone may see the role
    is_public: bool,
    /// the state of the role
    state: &'static str,
}

impl From<identity::Role> for RoleView {
    fn from(role: identity::Role) -> Self {
        Self {
            id: role.id,
            name: role.name,
            kind: role.kind.as_str(),
            description: role.description,
            is_default: role.is_default,
            is_public: role.is_public,
            state: "enabled",
        }
    }
}

/// A rule of a role.
#[derive(Debug, View)]
#[view(object = "rolepermission")]
pub struct RolePermissionView {
    /// the ID of the rule
    id: Id<id::RolePermission>,
    /// the ID of the role
    role_id: Id<id::Role>,
    /// the name of the role
    role_name: String,
    /// the commands that the rule is about
    rule: String,
    /// allow or deny
    permission: &'static str,
    /// what the rule is for
    description: Option<String>,
}

impl RolePermissionView {
    /// A rule of the role of this name.
    pub fn new(rule: Rule, role_name: String) -> Self {
        Self {
            id: rule.id,
            role_id: rule.role_id,
            role_name,
            rule: rule.rule,
            permission: if rule.is_allowed { "allow" } else { "deny" },
            description: rule.description,
        }
    }
}
