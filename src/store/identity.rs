//! Domains, accounts and roles: rows and queries.

use super::{
    Conn, Tx, Window, clock, escape_like, is_duplicate, like, limit,
    schema::{account, domain, role, ssh_key_pair, user},
};
use crate::{
    domain::{
        Id, Time, id,
        identity::{AccountState, Reach, RoleType, Scope},
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, insert_into, update,
};

/// A role.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = role)]
pub struct Role {
    /// Its id.
    pub id: Id<id::Role>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: RoleType,
    /// What it is for.
    pub description: String,
    /// Whether every cloud has it.
    pub is_default: bool,
    /// Whether others than root admins see it.
    pub is_public: bool,
    /// How often its rules were changed.
    pub revision: i64,
}

/// A domain.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = domain)]
pub struct Domain {
    /// Its id.
    pub id: Id<id::Domain>,
    /// The domain above; none for ROOT.
    pub parent_id: Option<Id<id::Domain>>,
    /// Its name.
    pub name: String,
    /// Its path with a slash at both ends.
    pub path: String,
    /// When it was made.
    pub created: Time,
}

/// An account with its domain and role.
#[derive(Debug, Clone, Queryable)]
pub struct Account {
    /// Its id.
    pub id: Id<id::Account>,
    /// Its name.
    pub name: String,
    /// Whether it may act.
    pub state: AccountState,
    /// Whether every cloud has it.
    pub is_default: bool,
    /// When it was made.
    pub created: Time,
    /// Its domain: id, name, path.
    pub domain: (Id<id::Domain>, String, String),
    /// Its role: id, name, kind.
    pub role: (Id<id::Role>, String, RoleType),
}

/// One role by its id.
pub fn role(conn: &mut Conn, id: Id<id::Role>) -> Result<Option<Role>> {
    Ok(role::table.filter(role::id.eq(id)).select(Role::as_select()).first(conn).optional()?)
}

/// The default role of a kind: the first of its kind.
pub fn default_role(conn: &mut Conn, kind: RoleType) -> Result<Option<Role>> {
    let first = role::table.filter(role::kind.eq(kind)).order(role::id).select(Role::as_select());
    Ok(first.first(conn).optional()?)
}

/// One domain by its id.
pub fn domain(conn: &mut Conn, id: Id<id::Domain>) -> Result<Option<Domain>> {
    let rows = domain::table.filter(domain::id.eq(id)).filter(domain::alive.eq(true));
    Ok(rows.select(Domain::as_select()).first(conn).optional()?)
}

/// The domains in a scope, in order of their age.
pub fn domains(
    conn: &mut Conn,
    scope: &Scope,
    own: Id<id::Domain>,
    id: Option<Id<id::Domain>>,
    name: Option<&str>,
    window: &Window,
) -> Result<(i64, Vec<Domain>)> {
    let query = || {
        let mut query = domain::table.filter(domain::alive.eq(true)).into_boxed();
        match scope.reach() {
            Reach::All => {}
            Reach::Domain { path } => {
                query = query.filter(domain::path.like(format!("{}%", escape_like(path))))
            }
            Reach::Account(_) => query = query.filter(domain::id.eq(own)),
        }
        if let Some(id) = id {
            query = query.filter(domain::id.eq(id));
        }
        if let Some(name) = name {
            query = query.filter(domain::name.eq(name.to_owned()));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(domain::name.like(like(word)));
        }
        query
    };
    let rows = window.page(query().select(Domain::as_select()).order(domain::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// Which of these domains have domains below them.
pub fn with_children(conn: &mut Conn, ids: &[Id<id::Domain>]) -> Result<Vec<Id<id::Domain>>> {
    let rows: Vec<Option<Id<id::Domain>>> = domain::table
        .filter(domain::alive.eq(true))
        .filter(domain::parent_id.eq_any(ids.iter().copied().map(Some)))
        .select(domain::parent_id)
        .distinct()
        .load(conn)?;
    Ok(rows.into_iter().flatten().collect())
}

/// Makes a domain below another. Error: invalid, when there is one of that name.
pub fn insert_domain(
    tx: &mut Tx<'_>,
    id: Id<id::Domain>,
    parent: &Domain,
    name: &str,
) -> Result<()> {
    let row = (
        domain::id.eq(id),
        domain::parent_id.eq(parent.id),
        domain::name.eq(name),
        domain::path.eq(format!("{}{name}/", parent.path)),
    );
    let outcome = insert_into(domain::table).values(row).execute(&mut **tx);
    unique(outcome, || {
        format!("Domain with name {name} already exists for the parent id={}", parent.id)
    })?;
    limit::enter_domain(tx, id, Some(parent.id))
}

/// Removes a domain without domains, accounts or things. Error: in use.
pub fn remove_domain(tx: &mut Tx<'_>, id: Id<id::Domain>) -> Result<()> {
    let children = domain::table
        .filter(domain::parent_id.eq(id))
        .filter(domain::alive.eq(true))
        .select(domain::id);
    let accounts = account::table
        .filter(account::domain_id.eq(id))
        .filter(account::alive.eq(true))
        .select(account::id);
    if children.first::<Id<id::Domain>>(&mut **tx).optional()?.is_some()
        || accounts.first::<Id<id::Account>>(&mut **tx).optional()?.is_some()
    {
        return Err(Error::InUse(format!("domain {id} still has domains or accounts in it")));
    }
    let gone = (domain::alive.eq(None::<bool>), domain::removed.eq(clock().nullable()));
    update(domain::table.filter(domain::id.eq(id))).set(gone).execute(&mut **tx)?;
    super::annotation::clear(tx, id)?;
    limit::leave(tx, id.uuid())
}

/// The accounts and the domains of a part of the tree.
pub type Tree = (Vec<Id<id::Account>>, Vec<Id<id::Domain>>);

/// The accounts of a domain and of all below it, and these domains, the deepest first. Projects are not among them.
pub fn tree(conn: &mut Conn, top: &Domain) -> Result<Tree> {
    let below = format!("{}%", escape_like(&top.path));
    let mut domains: Vec<(Id<id::Domain>, String)> = domain::table
        .filter(domain::alive.eq(true).and(domain::path.like(below)))
        .select((domain::id, domain::path))
        .load(conn)?;
    domains.sort_by_key(|(_, path)| std::cmp::Reverse(path.len()));
    let domains: Vec<_> = domains.into_iter().map(|(id, _)| id).collect();
    let accounts = account::table
        .filter(account::alive.eq(true).and(account::is_project.eq(false)))
        .filter(account::domain_id.eq_any(domains.clone()))
        .order(account::id)
        .select(account::id)
        .load(conn)?;
    Ok((accounts, domains))
}

/// Which accounts to list.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// This one.
    pub id: Option<Id<id::Account>>,
    /// Of this name.
    pub name: Option<String>,
    /// With a role of this kind.
    pub kind: Option<RoleType>,
    /// In this domain.
    pub domain: Option<Id<id::Domain>>,
}

/// The accounts in a scope, oldest first.
pub fn accounts(
    conn: &mut Conn,
    scope: &Scope,
    filter: &AccountFilter,
    window: &Window,
) -> Result<(i64, Vec<Account>)> {
    let query = || {
        let mut query = account::table
            .inner_join(domain::table.on(domain::id.eq(account::domain_id)))
            .inner_join(role::table.on(role::id.eq(account::role_id)))
            .filter(account::alive.eq(true).and(account::is_project.eq(false)))
            .into_boxed();
        match scope.reach() {
            Reach::All => {}
            Reach::Domain { path } => {
                query = query.filter(domain::path.like(format!("{}%", escape_like(path))))
            }
            Reach::Account(own) => query = query.filter(account::id.eq(*own)),
        }
        if let Some(id) = filter.id {
            query = query.filter(account::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(account::name.eq(name.clone()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(role::kind.eq(kind));
        }
        if let Some(home) = filter.domain {
            query = query.filter(account::domain_id.eq(home));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(account::name.like(like(word)));
        }
        query
    };
    let columns = (
        account::id,
        account::name,
        account::state,
        account::is_default,
        account::created,
        (domain::id, domain::name, domain::path),
        (role::id, role::name, role::kind),
    );
    let rows = window.page(query().select(columns).order(account::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// Makes an account. Error: invalid, when the domain has one of that name.
pub fn insert_account(
    tx: &mut Tx<'_>,
    id: Id<id::Account>,
    name: &str,
    home: Id<id::Domain>,
    role: Id<id::Role>,
) -> Result<()> {
    let last: Option<i64> =
        account::table.select(diesel::dsl::max(account::number)).first(&mut **tx)?;
    let row = (
        account::id.eq(id),
        account::number.eq(last.unwrap_or(0) + 1),
        account::domain_id.eq(home),
        account::role_id.eq(role),
        account::name.eq(name),
        account::state.eq(AccountState::Enabled),
    );
    let outcome = insert_into(account::table).values(row).execute(&mut **tx);
    unique(outcome, || format!("The specified account: {name} already exists"))?;
    let kind = role::table.filter(role::id.eq(role)).select(role::kind).first(&mut **tx)?;
    limit::enter_account(tx, id, kind)
}

/// Removes an account and its users. The caller has made sure that it owns nothing.
pub fn remove_account(tx: &mut Tx<'_>, id: Id<id::Account>) -> Result<()> {
    let gone = (account::alive.eq(None::<bool>), account::removed.eq(clock().nullable()));
    update(account::table.filter(account::id.eq(id))).set(gone).execute(&mut **tx)?;
    let gone = (
        user::alive.eq(None::<bool>),
        user::removed.eq(clock().nullable()),
        user::api_key.eq(None::<String>),
        user::secret_key.eq(None::<String>),
    );
    update(user::table.filter(user::account_id.eq(id))).set(gone).execute(&mut **tx)?;
    let keys = ssh_key_pair::table.filter(ssh_key_pair::account_id.eq(id));
    diesel::delete(keys).execute(&mut **tx)?;
    super::affinity_group::remove_of(tx, id)?;
    super::project::part_from_all(tx, id)?;
    super::tag::remove_of(tx, id)?;
    super::annotation::remove_of(tx, id)?;
    limit::leave(tx, id.uuid())?;
    super::session::end_of_account(tx, id)
}

/// Gives an account another name or role. Error: invalid, when the domain has one of that name.
pub fn update_account(
    tx: &mut Tx<'_>,
    id: Id<id::Account>,
    name: Option<&str>,
    role: Option<Id<id::Role>>,
) -> Result<()> {
    let row = update(account::table.filter(account::id.eq(id)));
    if let Some(name) = name {
        let outcome = row.set(account::name.eq(name)).execute(&mut **tx);
        unique(outcome, || format!("There already exists an account with the name {name}"))?;
    }
    let row = update(account::table.filter(account::id.eq(id)));
    if let Some(role) = role {
        row.set(account::role_id.eq(role)).execute(&mut **tx)?;
        let kind = role::table.filter(role::id.eq(role)).select(role::kind).first(&mut **tx)?;
        limit::follow_role(tx, id, kind)?;
    }
    Ok(())
}

/// Lets an account act or not; the users of one that may not lose every session.
pub fn set_account_state(tx: &mut Tx<'_>, id: Id<id::Account>, state: AccountState) -> Result<()> {
    let row = update(account::table.filter(account::id.eq(id)));
    row.set(account::state.eq(state)).execute(&mut **tx)?;
    match state {
        AccountState::Enabled => Ok(()),
        AccountState::Disabled | AccountState::Locked => super::session::end_of_account(tx, id),
    }
}

/// Gives a domain another name, and all below it another path. Error: invalid, when there is one of that name.
pub fn rename_domain(tx: &mut Tx<'_>, found: &Domain, name: &str) -> Result<()> {
    let above = found.path.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
    let (old, new) = (found.path.clone(), format!("{above}/{name}/"));
    let taken = || {
        format!(
            "Failed to update domain id={}; domain with name {name} already exists in the system",
            found.id
        )
    };
    let rows: Vec<(Id<id::Domain>, String)> = domain::table
        .filter(domain::alive.eq(true))
        .filter(domain::path.like(format!("{}%", escape_like(&old))))
        .select((domain::id, domain::path))
        .for_update()
        .load(&mut **tx)?;
    for (id, path) in rows {
        let path = format!("{new}{}", path.get(old.len()..).unwrap_or_default());
        if path.chars().count() > 600 {
            return Err(Error::invalid("the path of a domain would be longer than 600 characters"));
        }
        let row = update(domain::table.filter(domain::id.eq(id)));
        unique(row.set(domain::path.eq(path)).execute(&mut **tx), taken)?;
    }
    let row = update(domain::table.filter(domain::id.eq(found.id)));
    row.set(domain::name.eq(name)).execute(&mut **tx)?;
    Ok(())
}

/// A unique key that is taken is the caller's mistake.
pub(super) fn unique(
    outcome: diesel::QueryResult<usize>,
    why: impl FnOnce() -> String,
) -> Result<()> {
    match outcome.map_err(Error::from) {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(Error::Invalid(why())),
        Err(error) => Err(error),
    }
}
