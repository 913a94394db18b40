//! Whose things a list shows, and whose a new thing will be.

use super::{
    Conn, project,
    schema::{account, domain},
};
use crate::{
    domain::{
        Id, id,
        identity::{AccountState, Caller, Reach},
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, RunQueryDsl,
};

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
    /// Only what belongs to projects.
    pub project: Option<Projects>,
}

/// Which projects a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projects {
    /// This one.
    One(Id<id::Project>),
    /// All that the caller may see.
    All,
}

/// Whose things a query sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owners {
    /// Everybody's.
    All,
    /// One account's.
    Account(Id<id::Account>),
    /// Those of these accounts.
    Accounts(Vec<Id<id::Account>>),
    /// One project's.
    Project(Id<id::Project>),
    /// Everybody's but what belongs to projects.
    AllButProjects,
    /// Those of the accounts of these domains.
    Domains(Vec<Id<id::Domain>>),
    /// Those of the accounts of these domains, but what belongs to projects.
    DomainsButProjects(Vec<Id<id::Domain>>),
}

/// What belongs to no project. As text, since the query may have joined the accounts already; and as what it is in, not
/// as what it is not in: the server then reads an index of each account instead of every row.
macro_rules! not_shared {
    ($table:ident) => {
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!(
            "`",
            stringify!($table),
            "`.account_id IN (SELECT own.id FROM account own WHERE own.is_project = 0)"
        ))
    };
}
pub(super) use not_shared;

/// What belongs to this project. As text, like [`not_shared!`]; an id is written in one way only.
macro_rules! of_project {
    ($table:ident, $id:expr) => {
        diesel::dsl::sql::<diesel::sql_types::Bool>(&format!(
            "`{}`.account_id IN (SELECT shared.account_id FROM project shared WHERE shared.id = '{}')",
            stringify!($table),
            $id
        ))
    };
}
pub(super) use of_project;

/// Limits a boxed query of a table with `account_id` and `domain_id`.
macro_rules! owned_by {
    ($query:expr, $table:ident, $owners:expr) => {
        match $owners {
            $crate::store::owner::Owners::All => $query,
            $crate::store::owner::Owners::Account(account) => {
                $query.filter($table::account_id.eq(*account))
            }
            $crate::store::owner::Owners::Accounts(accounts) => {
                $query.filter($table::account_id.eq_any(accounts.clone()))
            }
            $crate::store::owner::Owners::Project(id) => {
                $query.filter($crate::store::owner::of_project!($table, id))
            }
            $crate::store::owner::Owners::AllButProjects => {
                $query.filter($crate::store::owner::not_shared!($table))
            }
            $crate::store::owner::Owners::Domains(domains) => {
                $query.filter($table::domain_id.eq_any(domains.clone()))
            }
            $crate::store::owner::Owners::DomainsButProjects(domains) => $query
                .filter($table::domain_id.eq_any(domains.clone()))
                .filter($crate::store::owner::not_shared!($table)),
        }
    };
}
pub(super) use owned_by;

/// Whose things this list shows this caller. `is_named`: the list names its rows by id, which reaches as far as
/// `listall`. What belongs to projects shows only where projects or ids are asked for. At most one statement, two for a domain
/// with those below it; none in the common cases of users and root administrators.
pub fn owners(conn: &mut Conn, caller: &Caller, wanted: &Wanted, is_named: bool) -> Result<Owners> {
    if let Some(projects) = wanted.project {
        return of_projects(conn, caller, wanted, projects);
    }
    if let Some(name) = &wanted.account {
        let home = wanted.domain.unwrap_or(caller.domain);
        let found = account_named(conn, name, home)?.map(|(id, _)| id);
        let found = found.filter(|id| !is_one_account(caller) || *id == caller.account);
        let unknown = || Error::invalid(format!("could not find account {name} in domain {home}"));
        return found.map(Owners::Account).ok_or_else(unknown);
    }
    if is_one_account(caller) {
        return match is_named {
            true => with_own(conn, caller),
            false => Ok(Owners::Account(caller.account)),
        };
    }
    let of = |domains| match is_named {
        true => Owners::Domains(domains),
        false => Owners::DomainsButProjects(domains),
    };
    if let Some(home) = wanted.domain {
        if !wanted.is_recursive {
            return Ok(of(vec![home]));
        }
        let path: String =
            domain::table.filter(domain::id.eq(home)).select(domain::path).first(conn)?;
        return Ok(of(below(conn, &path)?));
    }
    if !wanted.list_all && !is_named {
        return Ok(Owners::Account(caller.account));
    }
    match caller.scope().reach() {
        Reach::All if is_named => Ok(Owners::All),
        Reach::All => Ok(Owners::AllButProjects),
        Reach::Domain { path } => Ok(of(below(conn, path)?)),
        Reach::Account(account) => Ok(Owners::Account(*account)),
    }
}

/// What belongs to one project, or to all in reach; with `listall` the other things in reach too.
fn of_projects(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &Wanted,
    projects: Projects,
) -> Result<Owners> {
    if wanted.account.is_some() {
        return Err(Error::invalid("Account and projectId can't be specified together"));
    }
    if let Projects::One(id) = projects {
        return Ok(Owners::Project(id));
    }
    match (caller.scope().reach(), wanted.list_all) {
        (Reach::All, true) => Ok(Owners::All),
        (Reach::All, false) => Ok(Owners::Accounts(project::accounts_of(conn, None)?)),
        (Reach::Domain { path }, true) => Ok(Owners::Domains(below(conn, path)?)),
        (Reach::Account(_), true) => with_own(conn, caller),
        (_, false) => Ok(Owners::Accounts(project::accounts_of(conn, Some(caller))?)),
    }
}

/// What the caller's account owns, and what belongs to its projects.
fn with_own(conn: &mut Conn, caller: &Caller) -> Result<Owners> {
    let mut accounts = project::accounts_of(conn, Some(caller))?;
    if accounts.is_empty() {
        return Ok(Owners::Account(caller.account));
    }
    accounts.push(caller.account);
    Ok(Owners::Accounts(accounts))
}

fn is_one_account(caller: &Caller) -> bool {
    matches!(caller.scope().reach(), Reach::Account(_))
}

/// Who will own a new thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::Queryable)]
pub struct Owner {
    /// The account.
    pub account: Id<id::Account>,
    /// Its domain.
    pub domain: Id<id::Domain>,
}

/// What answers call an owner: an account by its name, or the project that the account stands for.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct OwnerName {
    /// The name of the account.
    pub account: String,
    /// The project: id, name.
    pub project: Option<(Id<id::Project>, String)>,
}

impl OwnerName {
    /// From three columns.
    pub fn new(account: String, id: Option<Id<id::Project>>, name: Option<String>) -> Self {
        Self { account, project: id.zip(name) }
    }
}

/// The columns of an [`OwnerName`], in a query of [`with_owner`].
macro_rules! owner_name {
    () => {
        (
            $crate::store::schema::account::name,
            ($crate::store::schema::project::id, $crate::store::schema::project::name).nullable(),
        )
    };
}
pub(super) use owner_name;

/// Joins a query of a table with `account_id` with the account and its project.
macro_rules! with_owner {
    ($query:expr, $table:ident) => {
        $query
            .inner_join(
                $crate::store::schema::account::table
                    .on($crate::store::schema::account::id.eq($table::account_id)),
            )
            .left_join(
                $crate::store::schema::project::table
                    .on($crate::store::schema::project::account_id.eq($table::account_id)),
            )
    };
}
pub(super) use with_owner;

/// How a create command names an owner: account, domain, project.
pub type Asked<'a> = (Option<&'a str>, Option<Id<id::Domain>>, Option<Id<id::Project>>);

/// The owner that a create command names with `projectid`, or with `account` and `domainid`, or the caller. The kernel
/// has seen that the caller may name the project and the domain.
pub fn designate(
    conn: &mut Conn,
    caller: &Caller,
    (account, domain, project): Asked<'_>,
) -> Result<Owner> {
    if let Some(id) = project {
        if account.is_some() {
            return Err(Error::invalid("Account and projectId can't be specified together"));
        }
        let found = project::get(conn, id)?;
        if !found.is_active {
            return Err(Error::Forbidden(format!("project {} is suspended", found.name)));
        }
        return Ok(Owner { account: found.account.0, domain: found.domain.0 });
    }
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
        return Err(Error::not_permitted());
    }
    if state != AccountState::Enabled {
        return Err(Error::Forbidden(format!("account {name} is {state}")));
    }
    Ok(Owner { account: id, domain: home })
}

/// The name and the domain of an account.
pub fn named(conn: &mut Conn, id: Id<id::Account>) -> Result<(String, Id<id::Domain>)> {
    let row = account::table.filter(account::id.eq(id));
    Ok(row.select((account::name, account::domain_id)).first(conn)?)
}

/// Whether what this account owns is the caller's own, or that of a project of the caller's. At most one statement.
pub fn is_theirs(conn: &mut Conn, caller: &Caller, owner: Id<id::Account>) -> Result<bool> {
    let own = owner == caller.account;
    Ok(own || project::accounts_of(conn, Some(caller))?.contains(&owner))
}

/// Refuses a caller who may see a thing of this owner, perhaps, but not change it. At most one statement.
pub fn check_reach(
    conn: &mut Conn,
    caller: &Caller,
    owner: Id<id::Account>,
    path: &str,
) -> Result<()> {
    let is_in_reach = match caller.scope().reach() {
        Reach::All => true,
        Reach::Domain { path: own } => path.starts_with(own),
        Reach::Account(_) => is_theirs(conn, caller, owner)?,
    };
    match is_in_reach {
        true => Ok(()),
        false => Err(Error::not_permitted()),
    }
}

/// A domain's path.
pub fn path(conn: &mut Conn, id: Id<id::Domain>) -> Result<String> {
    Ok(domain::table.filter(domain::id.eq(id)).select(domain::path).first(conn)?)
}

/// The name of an account that is there.
pub fn name_of(conn: &mut Conn, id: Id<id::Account>) -> Result<String> {
    Ok(account::table.filter(account::id.eq(id)).select(account::name).first(conn)?)
}

/// An account by its name in a domain, and whether it may act.
pub fn account_named(
    conn: &mut Conn,
    name: &str,
    home: Id<id::Domain>,
) -> Result<Option<(Id<id::Account>, AccountState)>> {
    Ok(account::table
        .filter(account::name.eq(name))
        .filter(account::domain_id.eq(home))
        .filter(account::alive.eq(true).and(account::is_project.eq(false)))
        .select((account::id, account::state))
        .first(conn)
        .optional()?)
}

/// Whether one domain is another one or above it.
pub fn covers(conn: &mut Conn, above: Id<id::Domain>, home: Id<id::Domain>) -> Result<bool> {
    let paths = (path(conn, above)?, path(conn, home)?);
    Ok(paths.1.starts_with(&paths.0))
}

/// The domain with this path and those above it.
pub fn above(conn: &mut Conn, path: &str) -> Result<Vec<Id<id::Domain>>> {
    let ends = path.match_indices('/').map(|(at, slash)| at + slash.len());
    let paths: Vec<&str> = ends.filter_map(|end| path.get(..end)).collect();
    Ok(domain::table.filter(domain::path.eq_any(paths)).select(domain::id).load(conn)?)
}

/// The domain with this path and all below it.
pub fn below(conn: &mut Conn, path: &str) -> Result<Vec<Id<id::Domain>>> {
    let rows: Vec<(Id<id::Domain>, String)> = domain::table
        .filter(domain::alive.eq(true))
        .select((domain::id, domain::path))
        .load(conn)?;
    Ok(rows.into_iter().filter(|(_, other)| other.starts_with(path)).map(|(id, _)| id).collect())
}

/// What an account owns that a command can remove: instances, networks, templates.
#[derive(Debug, Default)]
pub struct Owned {
    /// Its instances that are not gone.
    pub vms: Vec<Id<id::Vm>>,
    /// Its networks.
    pub networks: Vec<Id<id::Network>>,
    /// Its templates.
    pub templates: Vec<Id<id::Template>>,
}

/// What an account owns. Three statements.
pub fn owned(conn: &mut Conn, owner: Id<id::Account>) -> Result<Owned> {
    use super::schema::{network, template, vm};
    let vms = vm::table.filter(vm::account_id.eq(owner).and(vm::removed.is_null()));
    let networks = network::table.filter(network::account_id.eq(owner));
    let templates =
        template::table.filter(template::account_id.eq(owner).and(template::removed.is_null()));
    Ok(Owned {
        vms: vms.select(vm::id).load(conn)?,
        networks: networks.filter(network::alive.eq(true)).select(network::id).load(conn)?,
        templates: templates.select(template::id).load(conn)?,
    })
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
