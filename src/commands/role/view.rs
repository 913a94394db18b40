//! The `role` object.

use crate::{command::prelude::*, store::identity};

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
            is_public: true,
            state: "enabled",
        }
    }
}
