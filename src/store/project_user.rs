//! Single users as members of projects.

use super::{
    Conn, Tx, identity,
    project::{self, Member},
    project_invitation,
    schema::{account, domain, project_role, project_user, user},
};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, RunQueryDsl, delete, insert_into, update,
};

/// The users that are members of projects by themselves, in the order of their joining.
pub fn users(conn: &mut Conn, ids: &[Id<id::Project>]) -> Result<Vec<Member>> {
    Ok(project_user::table
        .inner_join(user::table.on(user::id.eq(project_user::user_id)))
        .inner_join(account::table.on(account::id.eq(user::account_id)))
        .inner_join(domain::table.on(domain::id.eq(account::domain_id)))
        .left_join(project_role::table.on(project_role::id.nullable().eq(project_user::role_id)))
        .filter(project_user::project_id.eq_any(ids))
        .order(project_user::id)
        .select((
            project_user::project_id,
            project_user::is_admin,
            (account::id, account::name),
            (domain::id, domain::name, domain::path),
            (project_role::id, project_role::name).nullable(),
            (user::id, user::username).nullable(),
        ))
        .load(conn)?)
}

/// The enabled user of this name in a domain: names are unique there.
pub fn named(conn: &mut Conn, name: &str, home: Id<id::Domain>) -> Result<Option<Id<id::User>>> {
    Ok(user::table
        .inner_join(account::table.on(account::id.eq(user::account_id)))
        .filter(user::username.eq(name).and(user::domain_id.eq(home)))
        .filter(user::alive.eq(true).and(account::alive.eq(true)))
        .select(user::id)
        .first(conn)
        .optional()?)
}

/// Makes a user a member. Error: invalid, when it is one already; limit, when its account has too many projects.
pub fn join(
    tx: &mut Tx<'_>,
    project: Id<id::Project>,
    who: Id<id::User>,
    (is_admin, role): (bool, Option<Id<id::ProjectRole>>),
) -> Result<()> {
    let row = (
        project_user::id.eq(uuid::Uuid::now_v7().hyphenated().to_string()),
        project_user::project_id.eq(project),
        project_user::user_id.eq(who),
        project_user::is_admin.eq(is_admin),
        project_user::role_id.eq(role),
    );
    let outcome = insert_into(project_user::table).values(row).execute(&mut **tx);
    identity::unique(outcome, || format!("user {who} is already a member of project {project}"))?;
    count(tx, who, is_admin, false)
}

/// Makes a user who is a member by itself an administrator or not. False: it is no such member.
pub fn promote(
    tx: &mut Tx<'_>,
    project: Id<id::Project>,
    who: Id<id::User>,
    is_admin: bool,
) -> Result<bool> {
    let row = project_user::table
        .filter(project_user::project_id.eq(project).and(project_user::user_id.eq(who)));
    let before: Option<bool> =
        row.select(project_user::is_admin).for_update().first(&mut **tx).optional()?;
    let Some(before) = before else { return Ok(false) };
    update(row).set(project_user::is_admin.eq(is_admin)).execute(&mut **tx)?;
    count(tx, who, is_admin, before)?;
    Ok(true)
}

/// A user who may change a project counts against the projects of its account.
fn count(tx: &mut Tx<'_>, who: Id<id::User>, is_admin: bool, was_admin: bool) -> Result<()> {
    if is_admin == was_admin {
        return Ok(());
    }
    let home = user::table.filter(user::id.eq(who)).select(user::account_id).first(&mut **tx)?;
    match is_admin {
        true => project::more(tx, home),
        false => project::less(tx, &[(home, true)]),
    }
}

/// A membership: its id, the user, whether it may change the project.
type Row = (String, Id<id::User>, bool);

/// What a [`Row`] is read from.
macro_rules! row {
    () => {
        (project_user::id, project_user::user_id, project_user::is_admin)
    };
}

/// Ends these memberships. False: there were none.
fn end(tx: &mut Tx<'_>, found: Vec<Row>) -> Result<bool> {
    let ids: Vec<&String> = found.iter().map(|(id, ..)| id).collect();
    delete(project_user::table.filter(project_user::id.eq_any(ids))).execute(&mut **tx)?;
    for (_, who, was_admin) in &found {
        count(tx, *who, false, *was_admin)?;
    }
    Ok(!found.is_empty())
}

/// Ends a membership. False: there was none.
pub fn part(tx: &mut Tx<'_>, project: Id<id::Project>, who: Id<id::User>) -> Result<bool> {
    let rows = project_user::table
        .filter(project_user::project_id.eq(project).and(project_user::user_id.eq(who)));
    let found: Vec<Row> = rows.select(row!()).for_update().load(&mut **tx)?;
    end(tx, found)
}

/// Ends all memberships of a user.
pub fn part_from_all(tx: &mut Tx<'_>, who: Id<id::User>) -> Result<()> {
    let rows = project_user::table.filter(project_user::user_id.eq(who));
    let found: Vec<Row> = rows.select(row!()).for_update().load(&mut **tx)?;
    end(tx, found)?;
    project_invitation::forget_user(tx, who)
}

/// Ends all memberships of the users of an account.
pub fn part_of_account(tx: &mut Tx<'_>, account: Id<id::Account>) -> Result<()> {
    let users: Vec<Id<id::User>> =
        user::table.filter(user::account_id.eq(account)).select(user::id).load(&mut **tx)?;
    let rows = project_user::table.filter(project_user::user_id.eq_any(users));
    let found: Vec<Row> = rows.select(row!()).for_update().load(&mut **tx)?;
    end(tx, found).map(drop)
}

/// Ends all memberships of a project.
pub fn clear(tx: &mut Tx<'_>, project: Id<id::Project>) -> Result<()> {
    let rows = project_user::table.filter(project_user::project_id.eq(project));
    let found: Vec<Row> = rows.select(row!()).for_update().load(&mut **tx)?;
    end(tx, found).map(drop)
}
