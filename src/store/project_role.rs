//! Roles of projects and their rules, and whether one denies a command to a member.

use super::{
    Conn, Tx, Window, identity, like,
    prepared::{Prepared, marks, prepared},
    project::IS_MINE,
    schema::{project_member, project_role, project_role_rule, project_user},
};
use crate::{
    domain::{
        Id, Kind, id,
        identity::{Caller, Rules},
    },
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods, delete, insert_into,
    sql_types::{Bool, Nullable, Text},
    update,
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// A role of a project.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = project_role)]
pub struct ProjectRole {
    /// Its id.
    pub id: Id<id::ProjectRole>,
    /// Its project.
    pub project_id: Id<id::Project>,
    /// Its name, one of a kind in the project.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// One rule of a role of a project.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = project_role_rule)]
pub struct Rule {
    /// Its id.
    pub id: Id<id::ProjectRolePermission>,
    /// Its role.
    pub role_id: Id<id::ProjectRole>,
    /// The commands it is about: letters, digits and `*`.
    pub rule: String,
    /// Whether they may be called.
    pub is_allowed: bool,
    /// What it is for.
    pub description: Option<String>,
    /// Its place among the rules.
    pub sort_order: i32,
}

/// The roles of a project, oldest first.
pub fn list(
    conn: &mut Conn,
    project: Id<id::Project>,
    id: Option<Id<id::ProjectRole>>,
    name: Option<&str>,
    window: &Window,
) -> Result<(i64, Vec<ProjectRole>)> {
    let query = || {
        let mut query =
            project_role::table.filter(project_role::project_id.eq(project)).into_boxed();
        if let Some(id) = id {
            query = query.filter(project_role::id.eq(id));
        }
        if let Some(name) = name {
            query = query.filter(project_role::name.eq(name.to_owned()));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(project_role::name.like(like(word)));
        }
        query
    };
    let rows =
        window.page(query().select(ProjectRole::as_select()).order(project_role::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// A role, if the project has it.
pub fn get(
    conn: &mut Conn,
    project: Id<id::Project>,
    id: Id<id::ProjectRole>,
) -> Result<Option<ProjectRole>> {
    let row = project_role::table
        .filter(project_role::id.eq(id))
        .filter(project_role::project_id.eq(project));
    Ok(row.select(ProjectRole::as_select()).first(conn).optional()?)
}

/// Makes a role. Error: invalid, when the project has one of that name.
pub fn insert(tx: &mut Tx<'_>, new: &ProjectRole) -> Result<()> {
    let outcome = insert_into(project_role::table).values(new).execute(&mut **tx);
    identity::unique(outcome, || taken(&new.name))
}

/// Writes a role's name and description. Error: invalid, when the name is taken.
pub fn write(tx: &mut Tx<'_>, changed: &ProjectRole) -> Result<()> {
    let row =
        (project_role::name.eq(&changed.name), project_role::description.eq(&changed.description));
    let rows = update(project_role::table.filter(project_role::id.eq(changed.id)));
    identity::unique(rows.set(row).execute(&mut **tx), || taken(&changed.name))
}

fn taken(name: &str) -> String {
    format!("Project role already exists: {name}")
}

/// Removes a role with its rules. The project must be held. Error: forbidden, while a member has it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::ProjectRole>) -> Result<()> {
    let accounts = project_member::table.filter(project_member::role_id.eq(id));
    let users = project_user::table.filter(project_user::role_id.eq(id));
    let count: i64 = accounts.count().get_result(&mut **tx)?;
    let more: i64 = users.count().get_result(&mut **tx)?;
    if count + more > 0 || super::project_invitation::uses(tx, id)? {
        return Err(Error::Forbidden(
            "Found users or accounts that have the project role in use, won't allow to delete it"
                .to_owned(),
        ));
    }
    delete(project_role_rule::table.filter(project_role_rule::role_id.eq(id)))
        .execute(&mut **tx)?;
    delete(project_role::table.filter(project_role::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Removes all roles of a project that has no members any more.
pub fn remove_all(tx: &mut Tx<'_>, project: Id<id::Project>) -> Result<()> {
    let roles = project_role::table.filter(project_role::project_id.eq(project));
    let ids: Vec<Id<id::ProjectRole>> = roles.select(project_role::id).load(&mut **tx)?;
    delete(project_role_rule::table.filter(project_role_rule::role_id.eq_any(ids)))
        .execute(&mut **tx)?;
    delete(roles).execute(&mut **tx)?;
    Ok(())
}

/// The rules of all roles of a project, or of one of them, in order, with the names of their roles.
pub fn rules(
    conn: &mut Conn,
    project: Id<id::Project>,
    role: Option<Id<id::ProjectRole>>,
) -> Result<Vec<(Rule, String)>> {
    let mut query = project_role_rule::table
        .inner_join(project_role::table)
        .filter(project_role::project_id.eq(project))
        .into_boxed();
    if let Some(role) = role {
        query = query.filter(project_role::id.eq(role));
    }
    let order = (project_role::id, project_role_rule::sort_order, project_role_rule::id);
    Ok(query.order(order).select((Rule::as_select(), project_role::name)).load(conn)?)
}

/// Puts a rule behind those there are. The project must be held.
pub fn append(tx: &mut Tx<'_>, mut new: Rule) -> Result<()> {
    let last: Option<i32> = project_role_rule::table
        .filter(project_role_rule::role_id.eq(new.role_id))
        .select(diesel::dsl::max(project_role_rule::sort_order))
        .first(&mut **tx)?;
    new.sort_order = last.map_or(0, |last| last.saturating_add(1));
    insert_into(project_role_rule::table).values(new).execute(&mut **tx)?;
    Ok(())
}

/// Removes a rule.
pub fn remove_rule(tx: &mut Tx<'_>, id: Id<id::ProjectRolePermission>) -> Result<()> {
    delete(project_role_rule::table.filter(project_role_rule::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Lets a rule allow or deny.
pub fn permit(tx: &mut Tx<'_>, id: Id<id::ProjectRolePermission>, is_allowed: bool) -> Result<()> {
    let row = update(project_role_rule::table.filter(project_role_rule::id.eq(id)));
    row.set(project_role_rule::is_allowed.eq(is_allowed)).execute(&mut **tx)?;
    Ok(())
}

/// Puts the rules of a role in this order. The project must be held.
pub fn reorder(tx: &mut Tx<'_>, order: &[Id<id::ProjectRolePermission>]) -> Result<()> {
    for (place, id) in (0_i32..).zip(order) {
        let row = update(project_role_rule::table.filter(project_role_rule::id.eq(*id)));
        row.set(project_role_rule::sort_order.eq(place)).execute(&mut **tx)?;
    }
    Ok(())
}

/// A project or its account, with a rule of the role that binds the caller there.
#[derive(QueryableByName)]
struct Bound {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    rule: Option<String>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_allowed: Option<bool>,
}

/// Whether a role that the caller has in a project denies it this command on one of these things. Two statements; asked
/// only of callers that have such a role.
pub fn denies(
    conn: &mut Conn,
    caller: &Caller,
    command: &str,
    things: &[(Kind, Uuid)],
) -> Result<bool> {
    let denied: Vec<String> =
        denied(conn, caller, command)?.iter().map(ToString::to_string).collect();
    if denied.is_empty() {
        return Ok(false);
    }
    Ok(projects_of(conn, things)?.iter().any(|project| denied.contains(project)))
}

/// The roles that a caller (user, account, user) is bound by. What is said of a user counts before what is said of its account.
const ROLES: &str = "(SELECT u.project_id, u.role_id FROM project_user u \
    WHERE u.user_id = ? AND u.role_id IS NOT NULL AND u.is_admin = 0 \
    UNION ALL SELECT a.project_id, a.role_id FROM project_member a WHERE a.account_id = ? AND a.role_id IS NOT NULL \
    AND a.is_admin = 0 AND a.project_id NOT IN (SELECT o.project_id FROM project_user o WHERE o.user_id = ?))";

/// The projects where a role denies the caller this command. One statement.
fn denied(conn: &mut Conn, caller: &Caller, command: &str) -> Result<Vec<Id<id::Project>>> {
    let text = format!(
        "SELECT m.project_id AS id, r.rule, r.is_allowed FROM {ROLES} m \
         LEFT JOIN project_role_rule r ON r.role_id = m.role_id ORDER BY m.project_id, r.sort_order, r.id"
    );
    let bound = bound_by(text, caller).load(conn)?;
    Ok(decided(bound, |rules| rules.decide(command) == Some(false)))
}

/// The accounts of the caller's projects, but for those where a role denies it this command. One statement.
pub(super) fn accounts_that_let(
    conn: &mut Conn,
    caller: &Caller,
    command: &str,
) -> Result<Vec<Id<id::Account>>> {
    let text = format!(
        "SELECT project.account_id AS id, r.rule, r.is_allowed FROM project \
         LEFT JOIN {ROLES} m ON m.project_id = project.id LEFT JOIN project_role_rule r ON r.role_id = m.role_id \
         WHERE project.alive = 1 AND {IS_MINE} ORDER BY project.id, r.sort_order, r.id"
    );
    let mine = [caller.account.to_string(), caller.user.to_string()];
    let bound = bound_by(text, caller).bind_all::<Text, _>(mine).load(conn)?;
    Ok(decided(bound, |rules| rules.decide(command) != Some(false)))
}

/// A statement that begins with [`ROLES`].
fn bound_by<'a>(text: String, caller: &Caller) -> Prepared<'a> {
    let who = [caller.user.to_string(), caller.account.to_string(), caller.user.to_string()];
    prepared(text).bind_all::<Text, _>(who)
}

/// Those whose rules are decided so.
fn decided<T>(bound: Vec<Bound>, is_so: impl Fn(&Rules) -> bool) -> Vec<Id<T>> {
    let mut rules: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for row in bound {
        rules.entry(row.id).or_default().extend(row.rule.zip(row.is_allowed));
    }
    let wanted = rules.into_iter().filter(|(_, rules)| is_so(&Rules::new(rules.clone())));
    wanted.filter_map(|(id, _)| id.parse().ok()).collect()
}

#[derive(QueryableByName)]
struct Of {
    #[diesel(sql_type = Text)]
    id: String,
}

/// The projects that own these things. One statement.
fn projects_of(conn: &mut Conn, things: &[(Kind, Uuid)]) -> Result<Vec<String>> {
    let mut by_table: HashMap<&str, Vec<String>> = HashMap::new();
    for (kind, id) in things {
        let table = match kind {
            Kind::Project => Some("project"),
            Kind::Nic => Some("nic"),
            kind => super::event::owned_table(*kind),
        };
        if let Some(table) = table {
            by_table.entry(table).or_default().push(id.hyphenated().to_string());
        }
    }
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    for (table, ids) in by_table {
        let marks = marks(ids.len());
        parts.push(match table {
            "project" => format!("SELECT id FROM project WHERE id IN ({marks})"),
            "nic" => format!(
                "SELECT project.id FROM nic t JOIN vm ON vm.id = t.vm_id JOIN project ON project.account_id = vm.account_id WHERE t.id IN ({marks})"
            ),
            _ => format!(
                "SELECT project.id FROM {table} t JOIN project ON project.account_id = t.account_id WHERE t.id IN ({marks})"
            ),
        });
        values.extend(ids);
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let statement = prepared(parts.join(" UNION ALL ")).rare(true);
    let rows: Vec<Of> = statement.bind_all::<Text, _>(values).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
