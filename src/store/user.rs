//! Users: who may call, with which keys.

use super::{
    Conn, Tx,
    schema::{account, domain, role, user},
};
use crate::{
    domain::{
        Id, id,
        identity::{AccountState, Caller, RoleType},
    },
    error::Result,
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, update};

type Columns =
    ((Id<id::User>, String, Id<id::Account>, String), (Id<id::Domain>, String), (String, RoleType));

fn caller(row: Columns) -> Caller {
    let ((user, username, account, account_name), (domain, domain_path), (role_name, role)) = row;
    Caller { user, username, account, account_name, domain, domain_path, role_name, role }
}

/// Everything a [`Caller`] is made of.
macro_rules! columns {
    () => {
        (
            (user::id, user::username, account::id, account::name),
            (domain::id, domain::path),
            (role::name, role::kind),
        )
    };
}

/// Users that may act, with their account, domain and role.
macro_rules! acting {
    () => {
        user::table
            .inner_join(account::table.on(account::id.eq(user::account_id)))
            .inner_join(domain::table.on(domain::id.eq(account::domain_id)))
            .inner_join(role::table.on(role::id.eq(account::role_id)))
            .filter(user::alive.eq(true))
            .filter(account::alive.eq(true))
            .filter(user::state.eq(AccountState::Enabled))
            .filter(account::state.eq(AccountState::Enabled))
    };
}

/// The enabled user of an enabled account with this API key, and the secret key.
pub fn by_api_key(conn: &mut Conn, key: &str) -> Result<Option<(Caller, String)>> {
    use diesel::JoinOnDsl;
    let row: Option<(Columns, Option<String>)> = acting!()
        .filter(user::api_key.eq(key))
        .select((columns!(), user::secret_key))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(columns, secret)| Some((caller(columns), secret?))))
}

/// The caller that a job works for, whatever became of the user since.
pub fn caller_of(conn: &mut Conn, who: Id<id::User>) -> Result<Option<Caller>> {
    use diesel::JoinOnDsl;
    let row: Option<Columns> = user::table
        .inner_join(account::table.on(account::id.eq(user::account_id)))
        .inner_join(domain::table.on(domain::id.eq(account::domain_id)))
        .inner_join(role::table.on(role::id.eq(account::role_id)))
        .filter(user::id.eq(who))
        .select(columns!())
        .first(conn)
        .optional()?;
    Ok(row.map(caller))
}

/// Gives a user a pair of keys. Returns whether the user exists.
pub fn set_keys(
    tx: &mut Tx<'_>,
    who: Id<id::User>,
    api_key: &str,
    secret_key: &str,
) -> Result<bool> {
    let keys = (user::api_key.eq(api_key), user::secret_key.eq(secret_key));
    let rows = update(user::table.filter(user::id.eq(who)).filter(user::alive.eq(true)));
    Ok(rows.set(keys).execute(&mut **tx)? == 1)
}
