//! Sessions: who is logged in. Kept as hashes; nothing here lets anybody in who reads it.

use super::{
    Conn, Tx, clock,
    gate::{Standing, standing},
    schema::{account, domain, role, scoped_setting, session, setting, user},
    user::{Columns, acting, caller, columns},
};
use crate::{
    domain::{
        Id, id,
        identity::{AccountState, Caller},
    },
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, delete,
    dsl::sql,
    insert_into,
    sql_types::{Bool, Datetime},
    update,
};

/// A session that is not over.
#[derive(Debug)]
pub struct Session {
    /// Who is logged in.
    pub caller: Caller,
    /// The hash of the key that each request must send along.
    pub key_hash: String,
    /// Whether its last use should be written down again.
    pub is_stale: bool,
    /// What its calls are measured by.
    pub standing: Standing,
}

/// How long a use is not worth writing down, as a part of the time that a session may be idle.
const FRESH_PART: u32 = 30;

/// The session of this hash, if it was used in the last `idle_seconds` and its user may still act. One statement.
pub fn find(conn: &mut Conn, id: &str, idle_seconds: u32) -> Result<Option<Session>> {
    let row: Option<(Columns, String, bool, Standing)> = acting!()
        .inner_join(session::table.on(session::user_id.eq(user::id)))
        .filter(session::id.eq(id).and(session::last_used.gt(ago(idle_seconds))))
        .select((
            columns!(),
            session::key_hash,
            sql::<Bool>(&format!(
                "session.last_used < UTC_TIMESTAMP(6) - INTERVAL {} SECOND",
                idle_seconds / FRESH_PART
            )),
            standing!(),
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(columns, key_hash, is_stale, standing)| Session {
        caller: caller(columns),
        key_hash,
        is_stale,
        standing,
    }))
}

/// The session is used now.
pub fn touch(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let row = update(session::table.filter(session::id.eq(id)));
    row.set(session::last_used.eq(clock())).execute(&mut **tx)?;
    Ok(())
}

/// Ends a session.
pub fn end(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    delete(session::table.filter(session::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Ends all sessions of a user.
pub fn end_of_user(tx: &mut Tx<'_>, who: Id<id::User>) -> Result<()> {
    delete(session::table.filter(session::user_id.eq(who))).execute(&mut **tx)?;
    Ok(())
}

/// Ends all sessions of an account's users.
pub fn end_of_account(tx: &mut Tx<'_>, account: Id<id::Account>) -> Result<()> {
    let users = user::table.filter(user::account_id.eq(account)).select(user::id);
    let users: Vec<Id<id::User>> = users.load(&mut **tx)?;
    delete(session::table.filter(session::user_id.eq_any(users))).execute(&mut **tx)?;
    Ok(())
}

/// What a log in is checked against, and what its answer tells.
#[derive(Debug, Queryable)]
pub struct Candidate {
    /// The hash of the password.
    pub password_hash: String,
    /// First and last name.
    pub names: (String, String),
    /// Time zone.
    pub timezone: Option<String>,
    /// Whether the user may act, and whether its account may.
    pub states: (AccountState, AccountState),
    columns: Columns,
    /// What its calls are measured by.
    pub standing: Standing,
}

impl Candidate {
    /// Whether it may act.
    pub fn may_act(&self) -> bool {
        self.states == (AccountState::Enabled, AccountState::Enabled)
    }

    /// The caller that it would be.
    pub fn into_caller(self) -> Caller {
        caller(self.columns)
    }
}

/// Which domain somebody wants to log in to.
#[derive(Debug, Clone)]
pub enum Home {
    /// The one with this id.
    Id(Id<id::Domain>),
    /// The one with this path, with a slash at both ends.
    Path(String),
}

/// The user of this name, and whether the domain exists at all. One statement when there is such a user.
pub fn candidate(
    conn: &mut Conn,
    username: &str,
    home: &Home,
) -> Result<(Option<Candidate>, Option<String>)> {
    let query = user::table
        .inner_join(account::table.on(account::id.eq(user::account_id)))
        .inner_join(domain::table.on(domain::id.eq(account::domain_id)))
        .inner_join(role::table.on(role::id.eq(account::role_id)))
        .filter(user::alive.eq(true).and(account::alive.eq(true)))
        .filter(user::username.eq(username))
        .select((
            user::password_hash,
            (user::first_name, user::last_name),
            user::timezone,
            (user::state, account::state),
            columns!(),
            standing!(),
        ));
    let alive = domain::alive.eq(true);
    let found: Option<Candidate> = match home {
        Home::Id(id) => query.filter(alive.and(domain::id.eq(*id))).first(conn),
        Home::Path(path) => query.filter(alive.and(domain::path.eq(path))).first(conn),
    }
    .optional()?;
    if let Some(found) = found {
        let path = (found.columns.2).1.clone();
        return Ok((Some(found), Some(path)));
    }
    let query = domain::table.select(domain::path);
    let path = match home {
        Home::Id(id) => query.filter(alive.and(domain::id.eq(*id))).first(conn),
        Home::Path(path) => query.filter(alive.and(domain::path.eq(path))).first(conn),
    };
    Ok((None, path.optional()?))
}

/// A session to make.
#[derive(Debug, Clone)]
pub struct New {
    /// The hash of what the cookie holds.
    pub id: String,
    /// The hash of the key that each request must send along.
    pub key_hash: String,
    /// The hash of the password that was right.
    pub password_hash: String,
}

/// Makes a session, unless the password was changed or the user locked in the meantime: false then. Clears away a few
/// sessions that are over.
pub fn start(tx: &mut Tx<'_>, who: Id<id::User>, new: &New, idle_seconds: u32) -> Result<bool> {
    let row = user::table
        .inner_join(account::table.on(account::id.eq(user::account_id)))
        .filter(user::id.eq(who).and(user::alive.eq(true)))
        .select((user::password_hash, user::state, account::state))
        .for_update();
    let row: Option<(String, AccountState, AccountState)> = row.first(&mut **tx).optional()?;
    let is_same = row.is_some_and(|(hash, own, account)| {
        (hash == new.password_hash)
            && own == AccountState::Enabled
            && account == AccountState::Enabled
    });
    if !is_same {
        return Ok(false);
    }
    diesel::sql_query(format!(
        "DELETE FROM session WHERE last_used < UTC_TIMESTAMP(6) - INTERVAL {idle_seconds} SECOND \
         ORDER BY last_used LIMIT 100"
    ))
    .execute(&mut **tx)?;
    let row = (
        session::id.eq(&new.id),
        session::user_id.eq(who),
        session::key_hash.eq(&new.key_hash),
        session::created.eq(clock()),
        session::last_used.eq(clock()),
    );
    insert_into(session::table).values(row).execute(&mut **tx)?;
    Ok(true)
}

fn ago(seconds: u32) -> diesel::expression::SqlLiteral<Datetime> {
    sql(&format!("UTC_TIMESTAMP(6) - INTERVAL {seconds} SECOND"))
}
