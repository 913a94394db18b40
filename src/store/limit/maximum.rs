//! Limits: set for an owner, else set for a domain above it, else the settings'; written where they bind.

use super::{above, tagged};
use crate::{
    domain::{
        Id, id,
        resource::{Resource, Whose},
    },
    error::Result,
    store::{
        Conn, Tx,
        owner::below,
        schema::{domain, resource_count, setting},
        seed::ROOT_DOMAIN,
    },
};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, TextExpressionMethods, sql_query, update};
use std::collections::HashMap;

/// Whose limit is set.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// An account's.
    Account(Id<id::Account>),
    /// A domain's, and through it those of the domains below.
    Domain(Id<id::Domain>),
}

/// Sets a limit, counted in the resource's own unit; -1: none.
pub fn set(
    tx: &mut Tx<'_>,
    target: Target,
    (resource, tag): (Resource, Option<i32>),
    max: i64,
) -> Result<()> {
    let kind = tagged::kind(resource, tag);
    let owner = match target {
        Target::Account(account) => account.to_string(),
        Target::Domain(domain) => domain.to_string(),
    };
    let row = resource_count::table
        .filter(resource_count::owner_id.eq(owner))
        .filter(resource_count::kind.eq(kind));
    update(row)
        .set((resource_count::own_max.eq(max), resource_count::max.eq(max)))
        .execute(&mut **tx)?;
    match target {
        Target::Account(_) => Ok(()),
        Target::Domain(domain) => bind_below(tx, domain, kind, max),
    }
}

/// The domains below that have no limit of their own have that of the nearest domain above that has.
fn bind_below(tx: &mut Tx<'_>, top: Id<id::Domain>, kind: i32, max: i64) -> Result<()> {
    type Row = (Id<id::Domain>, Option<Id<id::Domain>>, String, Option<i64>);
    let path: String =
        domain::table.filter(domain::id.eq(top)).select(domain::path).first(&mut **tx)?;
    let ids = below(tx, &path)?;
    let on = diesel::JoinOnDsl::on(resource_count::table, resource_count::owner_id.eq(domain::id));
    let mut rows: Vec<Row> = domain::table
        .inner_join(on)
        .filter(domain::id.eq_any(ids))
        .filter(resource_count::kind.eq(kind))
        .select((domain::id, domain::parent_id, domain::path, resource_count::own_max))
        .load(&mut **tx)?;
    rows.sort_by_key(|row| row.2.len());
    let mut binds: HashMap<Id<id::Domain>, i64> = HashMap::from([(top, max)]);
    for (id, parent, _, own) in rows {
        let inherited = parent.and_then(|parent| binds.get(&parent).copied());
        let Some(limit) = own.or(inherited) else { continue };
        binds.insert(id, limit);
        if id == top || own.is_some() {
            continue;
        }
        let row = resource_count::table
            .filter(resource_count::owner_id.eq(id.to_string()))
            .filter(resource_count::kind.eq(kind));
        update(row).set(resource_count::max.eq(limit)).execute(&mut **tx)?;
    }
    Ok(())
}

/// What was set for a domain or, where nothing was, for the nearest one above it, by kind.
pub(super) fn inherited(conn: &mut Conn, domain: Id<id::Domain>) -> Result<HashMap<i32, i64>> {
    let nearest_first = above(conn, domain)?;
    let rows: Vec<(String, i32, Option<i64>)> = resource_count::table
        .filter(resource_count::owner_id.eq_any(nearest_first.clone()))
        .filter(resource_count::own_max.is_not_null())
        .select((resource_count::owner_id, resource_count::kind, resource_count::own_max))
        .load(conn)?;
    let mut found = HashMap::new();
    for owner in nearest_first {
        for (_, kind, max) in rows.iter().filter(|row| row.0 == owner) {
            if let Some(max) = *max {
                found.entry(*kind).or_insert(max);
            }
        }
    }
    Ok(found)
}

/// The limits of those for whom nothing was set, from the settings.
pub(super) fn defaults(conn: &mut Conn, whose: Whose) -> Result<Vec<(Resource, i64)>> {
    let name = whose.name();
    let rows: Vec<(String, String)> = setting::table
        .filter(setting::name.like(format!("max.{name}.%")))
        .select((setting::name, setting::value))
        .load(conn)?;
    let said: HashMap<String, String> = rows.into_iter().collect();
    let of = |resource: &Resource| {
        let text = said.get(&format!("max.{name}.{}", resource.setting()));
        let limit = text.and_then(|text| text.trim().parse().ok());
        let limit = limit.unwrap_or_else(|| resource.default_of(whose));
        (*resource, in_units(*resource, limit))
    };
    Ok(Resource::ALL.iter().map(of).collect())
}

/// A limit as settings and requests say it, in what is counted.
pub(super) fn in_units(resource: Resource, limit: i64) -> i64 {
    if limit < 0 { -1 } else { limit.saturating_mul(resource.unit()) }
}

/// A setting of default limits has changed: it binds wherever nothing was set.
pub fn apply_defaults(tx: &mut Tx<'_>, whose: Whose, resource: Resource) -> Result<()> {
    let limits = defaults(tx, whose)?;
    let Some((_, max)) = limits.into_iter().find(|(of, _)| *of == resource) else { return Ok(()) };
    let kind = resource.number();
    if whose != Whose::Domain {
        let is_project = i32::from(whose == Whose::Project);
        sql_query(format!(
            "UPDATE resource_count c JOIN account a ON a.id = c.owner_id JOIN role r ON r.id = a.role_id \
             SET c.max = {max} WHERE c.kind = {kind} AND c.own_max IS NULL AND r.kind <> 'Admin' \
             AND a.is_project = {is_project}"
        ))
        .execute(&mut **tx)?;
        return Ok(());
    }
    sql_query(format!(
        "UPDATE resource_count SET max = {max} WHERE owner = 'Domain' AND kind = {kind} AND own_max IS NULL \
         AND owner_id <> '{ROOT_DOMAIN}'"
    ))
    .execute(&mut **tx)?;
    let set: Vec<(String, Option<i64>)> = resource_count::table
        .filter(resource_count::owner.eq("Domain"))
        .filter(resource_count::kind.eq(kind))
        .filter(resource_count::own_max.is_not_null())
        .select((resource_count::owner_id, resource_count::own_max))
        .load(&mut **tx)?;
    for (owner, max) in set {
        if let Some((domain, max)) = owner.parse().ok().zip(max) {
            bind_below(tx, domain, kind, max)?;
        }
    }
    Ok(())
}
