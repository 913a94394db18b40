//! Projects: accounts that several accounts share, and who their members are.

use super::{
    Conn, Tx, Window, clock, escape_like, identity, like, limit,
    owner::{self, Owner},
    prepared::prepared,
    project_invitation::{self, Invitee},
    project_role as roles, project_user,
    schema::{account, domain, project, project_member, project_role, user},
    tag,
};
use crate::{
    domain::{
        Id, Kind, Time, id,
        identity::{Caller, Reach},
        resource::Resource,
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, QueryableByName, RunQueryDsl, TextExpressionMethods,
    delete, deserialize::FromSql, insert_into, mysql::Mysql, sql_types::Text, update,
};

/// A project.
#[derive(Debug, Clone, Queryable)]
pub struct Project {
    /// Its id.
    pub id: Id<id::Project>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub display_text: String,
    /// Whether new things may be made in it.
    pub is_active: bool,
    /// When it was made.
    pub created: Time,
    /// The account that owns what belongs to it: id, name.
    pub account: (Id<id::Account>, String),
    /// Its domain: id, name.
    pub domain: (Id<id::Domain>, String),
}

/// What a [`Project`] is made of.
macro_rules! columns {
    () => {
        (
            project::id,
            project::name,
            project::display_text,
            project::is_active,
            project::created,
            (account::id, account::name),
            (domain::id, domain::name),
        )
    };
}

/// An account as a member, as its row says.
type Accounted = (
    Id<id::Project>,
    bool,
    (Id<id::Account>, String),
    (Id<id::Domain>, String, String),
    Option<(Id<id::ProjectRole>, String)>,
);

/// A member of a project: an account, or one of its users alone.
#[derive(Debug, Clone, Queryable)]
pub struct Member {
    /// The project.
    pub project: Id<id::Project>,
    /// Whether it may change the project.
    pub is_admin: bool,
    /// The account: id, name.
    pub account: (Id<id::Account>, String),
    /// Its domain: id, name, path.
    pub domain: (Id<id::Domain>, String, String),
    /// The role that limits it in the project: id, name.
    pub role: Option<(Id<id::ProjectRole>, String)>,
    /// The user: id, name; none when all users of the account are members.
    pub user: Option<(Id<id::User>, String)>,
}

/// Which projects to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::Project>>,
    /// Of this name.
    pub name: Option<String>,
    /// With this text.
    pub display_text: Option<String>,
    /// Where this account or one of its users is a member.
    pub member: Option<Id<id::Account>>,
    /// Active or suspended.
    pub is_active: Option<bool>,
    /// In this domain.
    pub domain: Option<Id<id::Domain>>,
    /// Or below it.
    pub is_recursive: bool,
    /// Everything in the caller's reach, not only where the caller is a member.
    pub list_all: bool,
    /// With one of these tags; empty: all.
    pub tags: Vec<(String, String)>,
}

/// The projects that the caller sees, oldest first.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Project>)> {
    let (scope, mine) = (caller.scope(), memberships(conn, caller)?);
    let member = filter.member.map(|who| of_member(conn, who)).transpose()?;
    let top = filter.domain.map(|home| owner::path(conn, home)).transpose()?;
    let query = || {
        let mut query = project::table
            .inner_join(account::table.on(account::id.eq(project::account_id)))
            .inner_join(domain::table.on(domain::id.eq(project::domain_id)))
            .filter(project::alive.eq(true))
            .into_boxed();
        match scope.reach() {
            Reach::All if filter.list_all => {}
            Reach::Domain { path } if filter.list_all => {
                query = query.filter(domain::path.like(format!("{}%", escape_like(path))));
            }
            _ => query = query.filter(project::id.eq_any(mine.clone())),
        }
        if let Some(id) = filter.id {
            query = query.filter(project::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(project::name.eq(name.clone()));
        }
        if let Some(is_active) = filter.is_active {
            query = query.filter(project::is_active.eq(is_active));
        }
        if let Some(text) = &filter.display_text {
            query = query.filter(project::display_text.eq(text.clone()));
        }
        if let Some(ids) = &member {
            query = query.filter(project::id.eq_any(ids.clone()));
        }
        query = match (filter.domain, &top) {
            (Some(_), Some(path)) if filter.is_recursive => {
                query.filter(domain::path.like(format!("{}%", escape_like(path))))
            }
            (Some(home), _) => query.filter(project::domain_id.eq(home)),
            (None, _) => query,
        };
        if !filter.tags.is_empty() {
            query = query.filter(project::id.eq_any(tag::having(Kind::Project, &filter.tags)));
        }
        if let Some(word) = &window.keyword {
            query = query
                .filter(project::name.like(like(word)).or(project::display_text.like(like(word))));
        }
        query
    };
    let rows = window.page(query().select(columns!()).order(project::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// A project whose id the kernel has seen.
pub fn get(conn: &mut Conn, id: Id<id::Project>) -> Result<Project> {
    let row = project::table
        .inner_join(account::table.on(account::id.eq(project::account_id)))
        .inner_join(domain::table.on(domain::id.eq(project::domain_id)))
        .filter(project::id.eq(id).and(project::alive.eq(true)))
        .select(columns!())
        .first(conn)
        .optional()?;
    row.ok_or_else(|| Error::NotFound { what: "project", id: id.to_string() })
}

/// The members of projects, in the order of their joining: first the accounts, then single users.
pub fn members(conn: &mut Conn, ids: &[Id<id::Project>]) -> Result<Vec<Member>> {
    let rows: Vec<Accounted> = project_member::table
        .left_join(project_role::table.on(project_role::id.nullable().eq(project_member::role_id)))
        .inner_join(account::table.on(account::id.eq(project_member::account_id)))
        .inner_join(domain::table.on(domain::id.eq(account::domain_id)))
        .filter(project_member::project_id.eq_any(ids))
        .order(project_member::id)
        .select((
            project_member::project_id,
            project_member::is_admin,
            (account::id, account::name),
            (domain::id, domain::name, domain::path),
            (project_role::id, project_role::name).nullable(),
        ))
        .load(conn)?;
    let member = |(project, is_admin, account, domain, role)| Member {
        project,
        is_admin,
        account,
        domain,
        role,
        user: None,
    };
    let mut members: Vec<Member> = rows.into_iter().map(member).collect();
    members.extend(project_user::users(conn, ids)?);
    Ok(members)
}

/// That a project is one where the caller or its account is a member; takes two values.
pub(super) const IS_MINE: &str = "(project.id IN (SELECT m.project_id FROM project_member m WHERE m.account_id = ?) \
    OR project.id IN (SELECT u.project_id FROM project_user u WHERE u.user_id = ?))";

#[derive(QueryableByName)]
struct Found<T: FromSql<Text, Mysql> + 'static> {
    #[diesel(sql_type = Text)]
    id: T,
}

/// The projects where the caller or its account is a member. One statement.
pub fn memberships(conn: &mut Conn, caller: &Caller) -> Result<Vec<Id<id::Project>>> {
    let text =
        format!("SELECT project.id AS id FROM project WHERE project.alive = 1 AND {IS_MINE}");
    let values = [caller.account.to_string(), caller.user.to_string()];
    let rows: Vec<Found<Id<id::Project>>> =
        prepared(text).bind_all::<Text, _>(values).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The projects where an account or one of its users is a member.
fn of_member(conn: &mut Conn, who: Id<id::Account>) -> Result<Vec<Id<id::Project>>> {
    let text = "SELECT m.project_id AS id FROM project_member m WHERE m.account_id = ? \
        UNION SELECT p.project_id AS id FROM project_user p JOIN user u ON u.id = p.user_id WHERE u.account_id = ?";
    let rows: Vec<Found<Id<id::Project>>> =
        prepared(text).bind_all::<Text, _>([who.to_string(), who.to_string()]).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The accounts of the projects where the caller or its account is a member, but for those where a role denies the caller what
/// it lists; of all projects with `None`. One statement.
pub fn accounts_of(conn: &mut Conn, member: Option<&Caller>) -> Result<Vec<Id<id::Account>>> {
    let Some(member) = member else {
        let all = project::table.filter(project::alive.eq(true));
        return Ok(all.select(project::account_id).load(conn)?);
    };
    if let Some(command) = member.lists {
        return roles::accounts_that_let(conn, member, command);
    }
    let text = format!(
        "SELECT project.account_id AS id FROM project WHERE project.alive = 1 AND {IS_MINE}"
    );
    let values = [member.account.to_string(), member.user.to_string()];
    let rows: Vec<Found<Id<id::Account>>> =
        prepared(text).bind_all::<Text, _>(values).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Makes a project with its account and its first administrator: the owner, or only one of its users. Error: invalid, when the domain has one of that name.
pub fn insert(
    tx: &mut Tx<'_>,
    id: Id<id::Project>,
    (name, display_text): (&str, &str),
    (owner, home): (Id<id::Account>, Id<id::Domain>),
    user: Option<Id<id::User>>,
) -> Result<()> {
    let shared = Id::<id::Account>::mint();
    let role = identity::default_role(tx, crate::domain::identity::RoleType::User)?;
    let role = role.ok_or_else(|| Error::internal("there is no role for users"))?;
    let short: String = name.chars().take(200).collect();
    identity::insert_account(tx, shared, &format!("PrjAcct-{short}-{id}"), home, role.id)?;
    update(account::table.filter(account::id.eq(shared)))
        .set(account::is_project.eq(true))
        .execute(&mut **tx)?;
    limit::make_project(tx, shared)?;
    let row = (
        project::id.eq(id),
        project::account_id.eq(shared),
        project::domain_id.eq(home),
        project::name.eq(name),
        project::display_text.eq(display_text),
        project::is_active.eq(true),
    );
    let outcome = insert_into(project::table).values(row).execute(&mut **tx);
    identity::unique(outcome, || {
        format!("Project with name {name} already exists in domain id={home}")
    })?;
    match user {
        Some(user) => project_user::join(tx, id, user, (true, None)),
        None => join(tx, id, owner, (true, None)),
    }
}

/// Makes an account a member. Error: invalid, when it is one already.
pub fn join(
    tx: &mut Tx<'_>,
    id: Id<id::Project>,
    who: Id<id::Account>,
    (is_admin, role): (bool, Option<Id<id::ProjectRole>>),
) -> Result<()> {
    let row = (
        project_member::id.eq(uuid::Uuid::now_v7().hyphenated().to_string()),
        project_member::project_id.eq(id),
        project_member::account_id.eq(who),
        project_member::is_admin.eq(is_admin),
        project_member::role_id.eq(role),
    );
    let outcome = insert_into(project_member::table).values(row).execute(&mut **tx);
    identity::unique(outcome, || format!("account {who} is already a member of project {id}"))?;
    match is_admin {
        true => more(tx, who),
        false => Ok(()),
    }
}

/// An account has a project more. Error: limit.
pub(super) fn more(tx: &mut Tx<'_>, who: Id<id::Account>) -> Result<()> {
    let owner = owner_of(tx, who)?;
    limit::charge(tx, owner, &one())
}

/// What a project counts for each of its administrators.
fn one() -> limit::Bill {
    vec![(Resource::Project, limit::Amount::Of(1))]
}

fn owner_of(tx: &mut Tx<'_>, who: Id<id::Account>) -> Result<Owner> {
    let home = account::table.filter(account::id.eq(who)).select(account::domain_id);
    Ok(Owner { account: who, domain: home.first(&mut **tx)? })
}

/// The administrators among these members have a project less each.
pub(super) fn less(tx: &mut Tx<'_>, members: &[(Id<id::Account>, bool)]) -> Result<()> {
    for (who, _) in members.iter().filter(|(_, is_admin)| *is_admin) {
        let owner = owner_of(tx, *who)?;
        limit::free(tx, owner, &one())?;
    }
    Ok(())
}

/// Ends a membership. False: there was none.
pub fn part(tx: &mut Tx<'_>, id: Id<id::Project>, who: Id<id::Account>) -> Result<bool> {
    let row = project_member::table
        .filter(project_member::project_id.eq(id).and(project_member::account_id.eq(who)));
    let columns = (project_member::account_id, project_member::is_admin);
    let found: Vec<(Id<id::Account>, bool)> = row.select(columns).for_update().load(&mut **tx)?;
    delete(row).execute(&mut **tx)?;
    less(tx, &found)?;
    project_invitation::forget(tx, id, Invitee { account: who, user: None })?;
    Ok(!found.is_empty())
}

/// The projects that an account may change as their administrator.
pub fn administrated(conn: &mut Conn, who: Id<id::Account>) -> Result<Vec<Id<id::Project>>> {
    Ok(project_member::table
        .inner_join(project::table)
        .filter(project_member::account_id.eq(who).and(project_member::is_admin.eq(true)))
        .filter(project::alive.eq(true))
        .order(project::id)
        .select(project::id)
        .load(conn)?)
}

/// The projects of these domains.
pub fn of_domains(conn: &mut Conn, homes: &[Id<id::Domain>]) -> Result<Vec<Id<id::Project>>> {
    let rows = project::table.filter(project::alive.eq(true));
    Ok(rows.filter(project::domain_id.eq_any(homes)).select(project::id).load(conn)?)
}

/// Ends all memberships of an account.
pub fn part_from_all(tx: &mut Tx<'_>, who: Id<id::Account>) -> Result<()> {
    let rows = project_member::table.filter(project_member::account_id.eq(who));
    let columns = (project_member::account_id, project_member::is_admin);
    let found: Vec<(Id<id::Account>, bool)> = rows.select(columns).for_update().load(&mut **tx)?;
    delete(rows).execute(&mut **tx)?;
    less(tx, &found)?;
    project_invitation::forget_account(tx, who)?;
    project_user::part_of_account(tx, who)
}

/// Makes a member an administrator or not. False: it is no member.
pub fn promote(
    tx: &mut Tx<'_>,
    id: Id<id::Project>,
    who: Id<id::Account>,
    is_admin: bool,
) -> Result<bool> {
    let row = project_member::table
        .filter(project_member::project_id.eq(id).and(project_member::account_id.eq(who)));
    let before: Option<bool> =
        row.select(project_member::is_admin).for_update().first(&mut **tx).optional()?;
    update(row).set(project_member::is_admin.eq(is_admin)).execute(&mut **tx)?;
    match (before, is_admin) {
        (Some(false), true) => more(tx, who)?,
        (Some(true), false) => less(tx, &[(who, true)])?,
        _ => {}
    }
    Ok(before.is_some())
}

/// The project, held until the transaction ends, so that its members and its state stay.
pub fn hold(tx: &mut Tx<'_>, id: Id<id::Project>) -> Result<Project> {
    let row = project::table.filter(project::id.eq(id)).select(project::id).for_update();
    let _: Option<Id<id::Project>> = row.first(&mut **tx).optional()?;
    get(tx, id)
}

/// Writes name, text and state. Error: invalid, when the name is taken.
pub fn write(tx: &mut Tx<'_>, changed: &Project) -> Result<()> {
    let row = (
        project::name.eq(&changed.name),
        project::display_text.eq(&changed.display_text),
        project::is_active.eq(changed.is_active),
    );
    let outcome = update(project::table.filter(project::id.eq(changed.id))).set(row);
    identity::unique(outcome.execute(&mut **tx), || {
        format!("Project with name {} already exists in its domain", changed.name)
    })
}

/// Removes a project and its account, which own nothing any more.
pub fn remove(tx: &mut Tx<'_>, gone: &Project) -> Result<()> {
    let rows = project_member::table.filter(project_member::project_id.eq(gone.id));
    let columns = (project_member::account_id, project_member::is_admin);
    let found: Vec<(Id<id::Account>, bool)> = rows.select(columns).for_update().load(&mut **tx)?;
    delete(rows).execute(&mut **tx)?;
    less(tx, &found)?;
    project_invitation::clear(tx, gone.id)?;
    project_user::clear(tx, gone.id)?;
    roles::remove_all(tx, gone.id)?;
    update(project::table.filter(project::id.eq(gone.id)))
        .set((project::alive.eq(None::<bool>), project::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    identity::remove_account(tx, gone.account.0)
}

/// An account, one of its users, that user's name.
pub type FirstUser = (Id<id::Account>, Id<id::User>, String);

/// The first users of accounts, for answers that name one: account, id, name.
pub fn first_users(conn: &mut Conn, accounts: &[Id<id::Account>]) -> Result<Vec<FirstUser>> {
    let users = user::table.filter(user::account_id.eq_any(accounts).and(user::alive.eq(true)));
    let columns = (user::account_id, user::id, user::username);
    Ok(users.order(user::id).select(columns).load(conn)?)
}
