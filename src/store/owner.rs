//! Whose things a list shows, and whose a new thing will be.

use super::{
    Conn,
    schema::{account, domain},
};
use crate::{
    domain::{
        Id, id,
        identity::{AccountState, Caller, Reach},
    },
    error::{Error, Result},
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};

/// The words of a list about owners.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only this account's, by name in `domain` or in the caller's.
    pub account: Option<String>,
    /// Only this domain's.
    pub domain: Option<Id<id::Domain>>,
    /// And of the domains below it.
    pub is_recursive: bool,
    /// Everything in the caller's reach.
    pub list_all: bool,
}

/// Whose things a query sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owners {
    /// Everybody's.
    All,
    /// One account's.
    Account(Id<id::Account>),
    /// Those of the accounts of these domains.
    Domains(Vec<Id<id::Domain>>),
}

/// Limits a boxed query of a table with `account_id` and `domain_id`.
macro_rules! owned_by {
    ($query:expr, $table:ident, $owners:expr) => {
        match $owners {
            $crate::store::owner::Owners::All => $query,
            $crate::store::owner::Owners::Account(account) => {
                $query.filter($table::account_id.eq(*account))
            }
            $crate::store::owner::Owners::Domains(domains) => {
                $query.filter($table::domain_id.eq_any(domains.clone()))
            }
        }
    };
}
pub(super) use owned_by;

/// Whose things this list shows this caller. `is_named`: the list names its rows by id, which reaches as far as
/// `listall`. At most two statements, none in the common cases of users and root admins.
pub fn owners(conn: &mut Conn, caller: &Caller, wanted: &Wanted, is_named: bool) -> Result<Owners> {
    if let Some(name) = &wanted.account {
        let home = wanted.domain.unwrap_or(caller.domain);
        let found = account_named(conn, name, home)?.map(|(id, _)| id);
        let found = found.filter(|id| !is_one_account(caller) || *id == caller.account);
        let unknown = || Error::invalid(format!("could not find account {name} in domain {home}"));
        return found.map(Owners::Account).ok_or_else(unknown);
    }
    if is_one_account(caller) {
        return Ok(Owners::Account(caller.account));
    }
    if let Some(home) = wanted.domain {
        if !wanted.is_recursive {
            return Ok(Owners::Domains(vec![home]));
        }
        let path: String =
            domain::table.filter(domain::id.eq(home)).select(domain::path).first(conn)?;
        return Ok(Owners::Domains(below(conn, &path)?));
    }
    if !wanted.list_all && !is_named {
        return Ok(Owners::Account(caller.account));
    }
    match caller.scope().reach() {
        Reach::All => Ok(Owners::All),
        Reach::Domain { path } => Ok(Owners::Domains(below(conn, path)?)),
        Reach::Account(account) => Ok(Owners::Account(*account)),
    }
}

fn is_one_account(caller: &Caller) -> bool {
    matches!(caller.scope().reach(), Reach::Account(_))
}

/// Who will own a new thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub account: Id<id::Account>,
    /// Its domain.
    pub domain: Id<id::Domain>,
}

/// The owner that a create command names with `account` and `domainid`, or the caller. The kernel has seen that the
/// caller may name the domain.
pub fn designate(
    conn: &mut Conn,
    caller: &Caller,
    account: Option<&str>,
    domain: Option<Id<id::Domain>>,
) -> Result<Owner> {
    let own = Owner { account: caller.account, domain: caller.domain };
    let (name, home) = match (account, domain) {
        (None, _) => return Ok(own),
        (Some(_), None) => {
            return Err(Error::invalid("Account must be specified with domainId parameter"));
        }
        (Some(name), Some(home)) => (name, home),
    };
    let Some((id, state)) = account_named(conn, name, home)? else {
        return Err(Error::Invalid(format!(
            "Unable to find account by name {name} in domain with specified id"
        )));
    };
    if is_one_account(caller) && id != caller.account {
        return Err(Error::Forbidden(
            "Caller does not have permission to operate with provided resource.".to_owned(),
        ));
    }
    if state != AccountState::Enabled {
        return Err(Error::Forbidden(format!("account {name} is {state}")));
    }
    Ok(Owner { account: id, domain: home })
}

/// A domain's path.
pub fn path(conn: &mut Conn, id: Id<id::Domain>) -> Result<String> {
    Ok(domain::table.filter(domain::id.eq(id)).select(domain::path).first(conn)?)
}

fn account_named(
    conn: &mut Conn,
    name: &str,
    home: Id<id::Domain>,
) -> Result<Option<(Id<id::Account>, AccountState)>> {
    Ok(account::table
        .filter(account::name.eq(name))
        .filter(account::domain_id.eq(home))
        .filter(account::alive.eq(true))
        .select((account::id, account::state))
        .first(conn)
        .optional()?)
}

/// The domain with this path and all below it.
pub fn below(conn: &mut Conn, path: &str) -> Result<Vec<Id<id::Domain>>> {
    let rows: Vec<(Id<id::Domain>, String)> = domain::table
        .filter(domain::alive.eq(true))
        .select((domain::id, domain::path))
        .load(conn)?;
    Ok(rows.into_iter().filter(|(_, other)| other.starts_with(path)).map(|(id, _)| id).collect())
}

/// Refuses while an account owns instances, volumes, networks or templates.
pub fn check_owns_nothing(conn: &mut Conn, owner: Id<id::Account>) -> Result<()> {
    use super::schema::{network, template, vm, volume};
    let instances: i64 = vm::table
        .filter(vm::account_id.eq(owner))
        .filter(vm::removed.is_null())
        .count()
        .get_result(conn)?;
    let volumes: i64 = volume::table
        .filter(volume::account_id.eq(owner))
        .filter(volume::removed.is_null())
        .count()
        .get_result(conn)?;
    let networks: i64 = network::table
        .filter(network::account_id.eq(owner))
        .filter(network::alive.eq(true))
        .count()
        .get_result(conn)?;
    let templates: i64 = template::table
        .filter(template::account_id.eq(owner))
        .filter(template::removed.is_null())
        .count()
        .get_result(conn)?;
    if instances + volumes + networks + templates == 0 {
        return Ok(());
    }
    Err(Error::InUse(format!(
        "the account still owns {instances} instances, {volumes} volumes, {networks} networks and {templates} templates"
    )))
}
