//! What may be said of a role and its rules.

use crate::{
    command::prelude::*,
    domain::identity::{self, RoleType},
    store::{self, role::Rule},
};

/// The kind of role of this name.
pub(super) fn kind_named(text: &str) -> Result<RoleType> {
    let kinds = [RoleType::Admin, RoleType::ResourceAdmin, RoleType::DomainAdmin, RoleType::User];
    let found = kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| Error::invalid("Invalid role type specified"))
}

/// A rule as it is written down: the texts are checked. It gets its place when it is stored.
pub(super) fn rule(text: &str, permission: &str, description: Option<&str>) -> Result<Rule> {
    let text = identity::rule_text(text).map_err(Error::Invalid)?;
    Ok(Rule {
        id: Id::mint(),
        role_id: crate::store::seed::role_id(0),
        rule: text.to_owned(),
        is_allowed: is_allowed(permission)?,
        description: description.map(str::to_owned),
        sort_order: 0,
    })
}

/// `allow` or `deny`.
pub(super) fn is_allowed(permission: &str) -> Result<bool> {
    identity::is_allowed(permission).map_err(Error::Invalid)
}

/// A role that is not one of those that every cloud has.
pub(super) fn check_own(found: &store::identity::Role, refusal: &str) -> Result<()> {
    if found.is_default { Err(Error::Forbidden(refusal.to_owned())) } else { Ok(()) }
}

/// The role of an id that the kernel has seen.
pub(super) fn found(tx: &mut Tx<'_>, id: Id<id::Role>) -> Result<store::identity::Role> {
    let found = store::identity::role(tx, id)?;
    found.ok_or_else(|| Error::NotFound { what: "role", id: id.to_string() })
}
