//! The `account` object.

use crate::{
    command::prelude::*,
    commands::{limit::view::AccountLimits, user::view::UserView},
    domain::identity::shown_path,
    store::identity,
};

/// An account.
#[derive(Debug, View)]
#[view(object = "account")]
pub struct AccountView {
    /// the ID of the account
    id: Id<id::Account>,
    /// the name of the account
    name: String,
    /// the type of the account: 0 user, 1 root admin, 2 domain admin, 3 resource domain admin
    account_type: i32,
    /// the ID of the role
    role_id: Id<id::Role>,
    /// the kind of the role
    role_type: &'static str,
    /// the name of the role
    role_name: String,
    /// the ID of the domain of the account
    domain_id: Id<id::Domain>,
    /// the name of the domain of the account
    domain: String,
    /// the path of the domain of the account
    domain_path: String,
    #[view(group)]
    limits: AccountLimits,
    /// the state of the account
    state: String,
    /// when the account was made
    created: Date,
    /// the users of the account
    user: Vec<UserView>,
    /// whether every cloud has the account
    is_default: bool,
}

impl AccountView {
    /// An account with its users, and what it has and may have.
    pub fn new(account: identity::Account, user: Vec<UserView>, limits: AccountLimits) -> Self {
        Self {
            id: account.id,
            name: account.name,
            account_type: account.role.2.account_type(),
            role_id: account.role.0,
            role_type: account.role.2.as_str(),
            role_name: account.role.1,
            domain_id: account.domain.0,
            domain: account.domain.1,
            domain_path: shown_path(&account.domain.2),
            limits,
            state: account.state.as_str().to_lowercase(),
            created: account.created.into(),
            user,
            is_default: account.is_default,
        }
    }
}
