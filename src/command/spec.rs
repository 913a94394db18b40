//! The fixed facts of a command.

pub use crate::domain::identity::RoleType as Role;

/// What is known of a command before it is called. A literal without defaults, so that nothing is forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The name on the wire, as clients spell it.
    pub name: &'static str,
    /// One sentence: starts with a capital, ends without a full stop.
    pub about: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// The kinds of role that may call it; the root admin role may call everything.
    pub roles: &'static [Role],
    /// The event recorded when it changes something; `None` for readers.
    pub event: Option<&'static str>,
}

impl Role {
    /// Root administrators only.
    pub const ADMIN: &'static [Self] = &[Self::Admin];
    /// Everyone who has an account.
    pub const EVERYONE: &'static [Self] =
        &[Self::Admin, Self::ResourceAdmin, Self::DomainAdmin, Self::User];
    /// Everyone but users.
    pub const ADMINS: &'static [Self] = &[Self::Admin, Self::ResourceAdmin, Self::DomainAdmin];
}
