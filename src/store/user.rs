//! Users: who may call, with which keys.

use super::{
    Conn, Tx, Window, escape_like,
    gate::{Standing, standing},
    like,
    schema::{account, domain, role, scoped_setting, setting, user},
};
use crate::{
    domain::{
        Id, Time, id,
        identity::{AccountState, Caller, Reach, RoleType, Scope},
    },
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, TextExpressionMethods, update,
};
use std::sync::Arc;

/// What [`columns!`] selects.
pub(super) type Columns = (
    (Id<id::User>, String),
    (Id<id::Account>, String, i64),
    (Id<id::Domain>, String),
    (Id<id::Role>, String, RoleType, i64),
);

pub(super) fn caller(row: Columns) -> Caller {
    let ((user, username), owner, (domain, domain_path), role) = row;
    let (role_id, role_name, role, role_revision) = role;
    let (account, account_name, account_number) = owner;
    Caller {
        user,
        username,
        account,
        account_name,
        account_number,
        domain,
        domain_path,
        role_id,
        role_name,
        role,
        role_revision,
        rules: Arc::default(),
        lists: None,
    }
}

/// Everything a [`Caller`] is made of.
macro_rules! columns {
    () => {
        (
            (user::id, user::username),
            (account::id, account::name, account::number),
            (domain::id, domain::path),
            (role::id, role::name, role::kind, role::revision),
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
pub(super) use {acting, columns};

/// Who has an API key.
#[derive(Debug)]
pub struct Keyed {
    /// The user.
    pub caller: Caller,
    /// The secret key.
    pub secret: String,
    /// What its calls are measured by.
    pub standing: Standing,
}

/// The enabled user of an enabled account with this API key.
pub fn by_api_key(conn: &mut Conn, key: &str) -> Result<Option<Keyed>> {
    use diesel::JoinOnDsl;
    let row: Option<(Columns, Option<String>, Standing)> = acting!()
        .filter(user::api_key.eq(key))
        .select((columns!(), user::secret_key, standing!()))
        .first(conn)
        .optional()?;
    let keyed = |(columns, secret, standing): (Columns, Option<String>, Standing)| {
        Some(Keyed { caller: caller(columns), secret: secret?, standing })
    };
    Ok(row.and_then(keyed))
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

/// Gives a user a pair of keys. Returns whether the user exists. Error: invalid, when somebody has the API key.
pub fn set_keys(
    tx: &mut Tx<'_>,
    who: Id<id::User>,
    api_key: &str,
    secret_key: &str,
) -> Result<bool> {
    let keys = (user::api_key.eq(api_key), user::secret_key.eq(secret_key));
    let rows = update(user::table.filter(user::id.eq(who)).filter(user::alive.eq(true)));
    match rows.set(keys).execute(&mut **tx).map_err(Error::from) {
        Ok(count) => Ok(count == 1),
        Err(error) if super::is_duplicate(&error) => {
            Err(Error::invalid("this API key cannot be taken, choose another one"))
        }
        Err(error) => Err(error),
    }
}

/// A user as lists show it.
#[derive(Debug, Clone, Queryable)]
pub struct User {
    /// Its id.
    pub id: Id<id::User>,
    /// Its name.
    pub username: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address.
    pub email: Option<String>,
    /// Time zone.
    pub timezone: Option<String>,
    /// Whether it may act.
    pub state: AccountState,
    /// Its API key.
    pub api_key: Option<String>,
    /// Whether every cloud has it.
    pub is_default: bool,
    /// When it was made.
    pub created: Time,
    /// Its account: id, name.
    pub account: (Id<id::Account>, String),
    /// Its domain: id, name, path.
    pub domain: (Id<id::Domain>, String, String),
    /// Its role: id, name, kind.
    pub role: (Id<id::Role>, String, RoleType),
}

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::User>>,
    /// Of this name.
    pub username: Option<String>,
    /// Of the accounts of this name.
    pub account: Option<String>,
    /// Of these accounts.
    pub accounts: Option<Vec<Id<id::Account>>>,
    /// Of this domain.
    pub domain: Option<Id<id::Domain>>,
    /// With this API key.
    pub api_key: Option<String>,
}

/// The users in a scope, oldest first; the service's own is never shown.
pub fn list(
    conn: &mut Conn,
    scope: &Scope,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<User>)> {
    use diesel::JoinOnDsl;
    let query = || {
        let mut query = user::table
            .inner_join(account::table.on(account::id.eq(user::account_id)))
            .inner_join(domain::table.on(domain::id.eq(user::domain_id)))
            .inner_join(role::table.on(role::id.eq(account::role_id)))
            .filter(user::alive.eq(true))
            .filter(user::id.ne(super::seed::SYSTEM_USER))
            .into_boxed();
        match scope.reach() {
            Reach::All => {}
            Reach::Domain { path } => {
                query = query.filter(domain::path.like(format!("{}%", escape_like(path))))
            }
            Reach::Account(own) => query = query.filter(user::account_id.eq(*own)),
        }
        if let Some(id) = filter.id {
            query = query.filter(user::id.eq(id));
        }
        if let Some(name) = &filter.username {
            query = query.filter(user::username.eq(name.clone()));
        }
        if let Some(name) = &filter.account {
            query = query.filter(account::name.eq(name.clone()));
        }
        if let Some(accounts) = &filter.accounts {
            query = query.filter(user::account_id.eq_any(accounts.clone()));
        }
        if let Some(key) = &filter.api_key {
            query = query.filter(user::api_key.eq(key.clone()));
        }
        if let Some(home) = filter.domain {
            query = query.filter(user::domain_id.eq(home));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(user::username.like(like(word)));
        }
        query
    };
    let columns = (
        user::id,
        user::username,
        user::first_name,
        user::last_name,
        user::email,
        user::timezone,
        user::state,
        user::api_key,
        user::is_default,
        user::created,
        (account::id, account::name),
        (domain::id, domain::name, domain::path),
        (role::id, role::name, role::kind),
    );
    let rows = window.page(query().select(columns).order(user::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One user.
pub fn get(conn: &mut Conn, who: Id<id::User>) -> Result<User> {
    let filter = Filter { id: Some(who), ..Filter::default() };
    let (_, rows) = list(conn, &Scope::of_the_service(), &filter, &Window::ALL)?;
    rows.into_iter().next().ok_or_else(|| Error::NotFound { what: "user", id: who.to_string() })
}

/// A user to make.
#[derive(Debug, Clone)]
pub struct New {
    /// Its id.
    pub id: Id<id::User>,
    /// Its account.
    pub account: Id<id::Account>,
    /// Its domain.
    pub domain: Id<id::Domain>,
    /// Its name, unique in its domain.
    pub username: String,
    /// The hash of its password.
    pub password_hash: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address.
    pub email: String,
    /// Time zone.
    pub timezone: Option<String>,
}

/// Makes a user. Error: invalid, when the domain has one of that name.
pub fn insert(tx: &mut Tx<'_>, new: &New) -> Result<()> {
    let outcome = diesel::insert_into(user::table)
        .values((
            user::id.eq(new.id),
            user::account_id.eq(new.account),
            user::domain_id.eq(new.domain),
            user::username.eq(&new.username),
            user::password_hash.eq(&new.password_hash),
            user::first_name.eq(&new.first_name),
            user::last_name.eq(&new.last_name),
            user::email.eq(&new.email),
            user::timezone.eq(&new.timezone),
            user::state.eq(AccountState::Enabled),
        ))
        .execute(&mut **tx);
    super::identity::unique(outcome, || {
        format!("The user {} already exists in domain {}", new.username, new.domain)
    })
}

/// A user's keys: API key, secret key.
pub fn keys(conn: &mut Conn, who: Id<id::User>) -> Result<(Option<String>, Option<String>)> {
    Ok(user::table
        .filter(user::id.eq(who))
        .select((user::api_key, user::secret_key))
        .first(conn)?)
}

/// Removes a user; its keys stop working at once.
pub fn remove(tx: &mut Tx<'_>, who: Id<id::User>) -> Result<()> {
    let gone = (
        user::alive.eq(None::<bool>),
        user::removed.eq(super::clock().nullable()),
        user::api_key.eq(None::<String>),
        user::secret_key.eq(None::<String>),
    );
    update(user::table.filter(user::id.eq(who))).set(gone).execute(&mut **tx)?;
    super::tag::clear(tx, who)?;
    super::detail::clear(tx, who)?;
    super::project_user::part_from_all(tx, who)?;
    super::session::end_of_user(tx, who)
}

/// What to change of a user; what is not given stays.
#[derive(Debug, Clone, Default, diesel::AsChangeset)]
#[diesel(table_name = user)]
pub struct Change {
    /// Its name, unique in its domain.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Time zone.
    pub timezone: Option<String>,
    /// The hash of its password.
    pub password_hash: Option<String>,
}

impl Change {
    fn is_nothing(&self) -> bool {
        let given = [&self.username, &self.first_name, &self.last_name, &self.email];
        let others = [&self.timezone, &self.password_hash];
        given.iter().chain(&others).all(|field| field.is_none())
    }
}

/// Changes a user; a new password ends its sessions. Error: invalid, when the name is taken.
pub fn update_one(tx: &mut Tx<'_>, who: Id<id::User>, change: &Change) -> Result<()> {
    if change.is_nothing() {
        return Ok(());
    }
    let row = update(user::table.filter(user::id.eq(who)));
    let outcome = row.set(change).execute(&mut **tx);
    super::identity::unique(outcome, || {
        let name = change.username.as_deref().unwrap_or_default();
        format!("User {name} already exists in the domain")
    })?;
    match change.password_hash {
        Some(_) => super::session::end_of_user(tx, who),
        None => Ok(()),
    }
}

/// Lets a user act or not; whoever may not loses every session.
pub fn set_state(tx: &mut Tx<'_>, who: Id<id::User>, state: AccountState) -> Result<()> {
    let row = update(user::table.filter(user::id.eq(who)));
    row.set(user::state.eq(state)).execute(&mut **tx)?;
    match state {
        AccountState::Enabled => Ok(()),
        AccountState::Disabled | AccountState::Locked => super::session::end_of_user(tx, who),
    }
}

/// The hash of a user's password.
pub fn password_hash(conn: &mut Conn, who: Id<id::User>) -> Result<String> {
    Ok(user::table.filter(user::id.eq(who)).select(user::password_hash).first(conn)?)
}
