//! What may be said of a role and its rules.

use crate::{
    command::prelude::*,
    domain::identity::RoleType,
    store::{identity, role::Rule},
};

/// The kind of role of this name.
pub(super) fn kind_named(text: &str) -> Result<RoleType> {
    let kinds = [RoleType::Admin, RoleType::ResourceAdmin, RoleType::DomainAdmin, RoleType::User];
    let found = kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| Error::invalid("Invalid role type specified"))
}

/// A rule as it is written down: the texts are checked. It gets its place when it is stored.
pub(super) fn rule(text: &str, permission: &str, description: Option<&str>) -> Result<Rule> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*') {
        return Err(Error::Invalid(format!(
            "Only API names and wildcards are allowed, invalid rule provided: {text}"
        )));
    }
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
    match permission.to_ascii_lowercase().as_str() {
        "allow" => Ok(true),
        "deny" => Ok(false),
        _ => Err(Error::invalid("Values for permission parameter should be: allow or deny")),
    }
}

/// A role that is not one of those that every cloud has.
pub(super) fn check_own(found: &identity::Role, refusal: &str) -> Result<()> {
    if found.is_default { Err(Error::Forbidden(refusal.to_owned())) } else { Ok(()) }
}

/// The role of an id that the kernel has seen.
pub(super) fn found(tx: &mut Tx<'_>, id: Id<id::Role>) -> Result<identity::Role> {
    let found = identity::role(tx, id)?;
    found.ok_or_else(|| Error::NotFound { what: "role", id: id.to_string() })
}
