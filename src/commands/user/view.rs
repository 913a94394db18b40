//! The `user` object and its keys.

use crate::{command::prelude::*, store::user::User};

/// A user.
#[derive(Debug, View)]
#[view(object = "user")]
pub struct UserView {
    /// the ID of the user
    id: Id<id::User>,
    /// the name the user signs in with
    username: String,
    /// the first name of the user
    first_name: String,
    /// the last name of the user
    last_name: String,
    /// the mail address of the user
    email: Option<String>,
    /// the time zone of the user
    timezone: Option<String>,
    /// when the user was made
    created: Date,
    /// the state of the user
    state: String,
    /// the name of the account of the user
    account: String,
    /// the type of the account: 0 user, 1 root admin, 2 domain admin, 3 resource domain admin
    account_type: i32,
    /// where the user comes from
    user_source: &'static str,
    /// the ID of the role
    role_id: Id<id::Role>,
    /// the kind of the role
    role_type: &'static str,
    /// the name of the role
    role_name: String,
    /// the ID of the domain of the user
    domain_id: Id<id::Domain>,
    /// the name of the domain of the user
    domain: String,
    /// the API key of the user
    api_key: Option<String>,
    /// the ID of the account of the user
    account_id: Id<id::Account>,
    /// whether every cloud has the user
    is_default: bool,
    /// whether a second factor is asked for
    #[view(name = "is2faenabled")]
    is_2fa_enabled: bool,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            email: user.email,
            timezone: user.timezone,
            created: user.created.into(),
            state: user.state.as_str().to_lowercase(),
            account: user.account.1,
            account_type: user.role.2.account_type(),
            user_source: "native",
            role_id: user.role.0,
            role_type: user.role.2.as_str(),
            role_name: user.role.1,
            domain_id: user.domain.0,
            domain: user.domain.1,
            api_key: user.api_key,
            account_id: user.account.0,
            is_default: user.is_default,
            is_2fa_enabled: false,
        }
    }
}

/// A user's keys.
#[derive(View)]
#[view(object = "userkeys")]
pub struct UserKeysView {
    /// the key that names the user
    pub api_key: Option<String>,
    /// the key that signs
    pub secret_key: Option<String>,
    /// whether keys may be used
    pub api_key_access: &'static str,
}
