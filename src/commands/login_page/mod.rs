//! What a login page asks about other ways to log in: csgpu has none, and says so with empty lists.

mod list_ldap_configurations;
mod list_two_factor_providers;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<list_ldap_configurations::ListLdapConfigurations>(),
    sync::<list_two_factor_providers::ListUserTwoFactorAuthenticatorProviders>(),
];
