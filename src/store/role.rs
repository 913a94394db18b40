//! Roles and their rules. Every change of a rule raises the role's revision, by which servers see that it changed.

use super::{
    Conn, Tx, Window, identity,
    identity::Role,
    like,
    schema::{account, role, role_rule},
};
use crate::{
    domain::{Id, id, identity::RoleType},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods, delete, insert_into, update,
};

/// One rule of a role.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = role_rule)]
pub struct Rule {
    /// Its id.
    pub id: Id<id::RolePermission>,
    /// Its role.
    pub role_id: Id<id::Role>,
    /// The commands it is about: letters, digits and `*`.
    pub rule: String,
    /// Whether they may be called.
    pub is_allowed: bool,
    /// What it is for.
    pub description: Option<String>,
    /// Its place among the rules.
    pub sort_order: i32,
}

/// Which roles to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::Role>>,
    /// Of this name.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<RoleType>,
    /// Those that everyone may see.
    pub is_public: bool,
}

/// The roles, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Role>)> {
    let query = || {
        let mut query = role::table.into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(role::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(role::name.eq(name.clone()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(role::kind.eq(kind));
        }
        if filter.is_public {
            query = query.filter(role::is_public.eq(true));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(role::name.like(like(word)));
        }
        query
    };
    let rows = window.page(query().select(Role::as_select()).order(role::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// A role's rules, in order.
pub fn rules(conn: &mut Conn, owner: Id<id::Role>) -> Result<Vec<Rule>> {
    let rows = role_rule::table.filter(role_rule::role_id.eq(owner));
    let rows = rows.order((role_rule::sort_order, role_rule::id));
    Ok(rows.select(Rule::as_select()).load(conn)?)
}

/// All rules of all roles, in order.
pub fn all_rules(conn: &mut Conn) -> Result<Vec<Rule>> {
    let order = (role_rule::role_id, role_rule::sort_order, role_rule::id);
    Ok(role_rule::table.order(order).select(Rule::as_select()).load(conn)?)
}

/// One rule.
pub fn rule(conn: &mut Conn, id: Id<id::RolePermission>) -> Result<Rule> {
    let row = role_rule::table.filter(role_rule::id.eq(id)).select(Rule::as_select());
    let row = row.first(conn).optional()?;
    row.ok_or_else(|| Error::NotFound { what: "role permission", id: id.to_string() })
}

/// The role, held until the transaction ends, and with one more revision: its rules are about to change.
pub fn revise(tx: &mut Tx<'_>, id: Id<id::Role>) -> Result<Role> {
    update(role::table.filter(role::id.eq(id)))
        .set(role::revision.eq(role::revision + 1))
        .execute(&mut **tx)?;
    let found = identity::role(tx, id)?;
    found.ok_or_else(|| Error::NotFound { what: "role", id: id.to_string() })
}

/// Makes a role. Error: invalid, when there is one of that name.
pub fn insert(tx: &mut Tx<'_>, new: &Role) -> Result<()> {
    let row = (
        role::id.eq(new.id),
        role::name.eq(&new.name),
        role::kind.eq(new.kind),
        role::description.eq(&new.description),
        role::is_default.eq(false),
        role::is_public.eq(new.is_public),
    );
    let outcome = insert_into(role::table).values(row).execute(&mut **tx);
    identity::unique(outcome, || format!("Role already exists: {}", new.name))
}

/// Writes a role's name, kind, description and visibility. Error: invalid, when the name is taken.
pub fn write(tx: &mut Tx<'_>, changed: &Role) -> Result<()> {
    let row = (
        role::name.eq(&changed.name),
        role::kind.eq(changed.kind),
        role::description.eq(&changed.description),
        role::is_public.eq(changed.is_public),
    );
    let outcome = update(role::table.filter(role::id.eq(changed.id))).set(row).execute(&mut **tx);
    identity::unique(outcome, || format!("Role already exists: {}", changed.name))
}

/// Whether an account has the role.
pub fn is_used(tx: &mut Tx<'_>, id: Id<id::Role>) -> Result<bool> {
    let users = account::table.filter(account::role_id.eq(id).and(account::alive.eq(true)));
    let first: Option<Id<id::Account>> =
        users.select(account::id).for_update().first(&mut **tx).optional()?;
    Ok(first.is_some())
}

/// Removes a role that no account has; accounts that are gone are remembered with the first role of its kind.
pub fn remove(tx: &mut Tx<'_>, found: &Role) -> Result<()> {
    let heir = identity::default_role(tx, found.kind)?;
    let heir = heir.ok_or_else(|| Error::internal("a kind without a default role"))?;
    update(account::table.filter(account::role_id.eq(found.id)))
        .set(account::role_id.eq(heir.id))
        .execute(&mut **tx)?;
    delete(role_rule::table.filter(role_rule::role_id.eq(found.id))).execute(&mut **tx)?;
    delete(role::table.filter(role::id.eq(found.id))).execute(&mut **tx)?;
    Ok(())
}

/// Puts rules behind those there are. The role must be held.
pub fn append(tx: &mut Tx<'_>, owner: Id<id::Role>, rules: &[Rule]) -> Result<()> {
    let last: Option<i32> = role_rule::table
        .filter(role_rule::role_id.eq(owner))
        .select(diesel::dsl::max(role_rule::sort_order))
        .first(&mut **tx)?;
    let first = last.map_or(0, |last| last.saturating_add(1));
    let rows: Vec<Rule> = (first..)
        .zip(rules)
        .map(|(sort_order, rule)| Rule {
            id: Id::mint(),
            role_id: owner,
            sort_order,
            ..rule.clone()
        })
        .collect();
    if !rows.is_empty() {
        insert_into(role_rule::table).values(rows).execute(&mut **tx)?;
    }
    Ok(())
}

/// Removes a role's rules. The role must be held.
pub fn clear(tx: &mut Tx<'_>, owner: Id<id::Role>) -> Result<()> {
    delete(role_rule::table.filter(role_rule::role_id.eq(owner))).execute(&mut **tx)?;
    Ok(())
}

/// Removes one rule. Its role must be held.
pub fn remove_rule(tx: &mut Tx<'_>, id: Id<id::RolePermission>) -> Result<()> {
    delete(role_rule::table.filter(role_rule::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Lets a rule allow or deny. Its role must be held.
pub fn permit(tx: &mut Tx<'_>, id: Id<id::RolePermission>, is_allowed: bool) -> Result<()> {
    let row = update(role_rule::table.filter(role_rule::id.eq(id)));
    row.set(role_rule::is_allowed.eq(is_allowed)).execute(&mut **tx)?;
    Ok(())
}

/// Puts a role's rules in this order. The role must be held. Error: conflict, when these are not exactly its rules.
pub fn reorder(
    tx: &mut Tx<'_>,
    owner: Id<id::Role>,
    order: &[Id<id::RolePermission>],
) -> Result<()> {
    let mut now: Vec<_> = rules(tx, owner)?.into_iter().map(|rule| rule.id).collect();
    let mut wanted = order.to_vec();
    now.sort();
    wanted.sort();
    if now != wanted {
        return Err(Error::Conflict(
            "the order does not name each rule of the role once: they were changed in the meantime"
                .to_owned(),
        ));
    }
    for (place, id) in (0_i32..).zip(order) {
        let row = update(role_rule::table.filter(role_rule::id.eq(*id)));
        row.set(role_rule::sort_order.eq(place)).execute(&mut **tx)?;
    }
    Ok(())
}
