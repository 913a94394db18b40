//! The rows of owners: made with an account or a domain, gone with it; read for answers.

use super::maximum;
use crate::{
    domain::{
        Id, id,
        identity::RoleType,
        resource::{Resource, Whose},
    },
    error::Result,
    store::{Conn, Tx, schema::resource_count, seed::ROOT_DOMAIN},
};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, delete,
    insert_into, sql_query,
    sql_types::{BigInt, Integer},
    update,
};
use std::collections::HashMap;
use uuid::Uuid;

/// What an owner has of a resource and may have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Of what.
    pub resource: Resource,
    /// How much.
    pub used: i64,
    /// The most; `None`: no limit.
    pub max: Option<i64>,
}

/// The rows of a new account. Root administrators have no limits.
pub fn enter_account(tx: &mut Tx<'_>, account: Id<id::Account>, role: RoleType) -> Result<()> {
    let limits = match role {
        RoleType::Admin => Resource::ALL.iter().map(|resource| (*resource, -1)).collect(),
        _ => maximum::defaults(tx, Whose::Account)?,
    };
    insert(tx, account.uuid(), "Account", limits)
}

/// A new account is that of a project, which has default limits of its own.
pub fn make_project(tx: &mut Tx<'_>, account: Id<id::Account>) -> Result<()> {
    let owner = account.to_string();
    for (resource, max) in maximum::defaults(tx, Whose::Project)? {
        let row = resource_count::table
            .filter(resource_count::owner_id.eq(&owner))
            .filter(resource_count::kind.eq(resource.number()));
        update(row).set(resource_count::max.eq(max)).execute(&mut **tx)?;
    }
    Ok(())
}

/// An account has another role: a root administrator has no limits, anyone else those that were set, or the defaults.
pub fn follow_role(tx: &mut Tx<'_>, account: Id<id::Account>, role: RoleType) -> Result<()> {
    let owner = account.to_string();
    let own = resource_count::table.filter(resource_count::owner_id.eq(&owner));
    if role == RoleType::Admin {
        update(own).set(resource_count::max.eq(-1_i64)).execute(&mut **tx)?;
        return Ok(());
    }
    update(own.filter(resource_count::own_max.is_not_null()))
        .set(resource_count::max.eq(resource_count::own_max.assume_not_null()))
        .execute(&mut **tx)?;
    for (resource, max) in maximum::defaults(tx, Whose::Account)? {
        let row = own.filter(resource_count::kind.eq(resource.number()));
        update(row.filter(resource_count::own_max.is_null()))
            .set(resource_count::max.eq(max))
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// The rows of a new domain: what was set for a domain above it binds it, else the defaults.
pub fn enter_domain(
    tx: &mut Tx<'_>,
    domain: Id<id::Domain>,
    parent: Option<Id<id::Domain>>,
) -> Result<()> {
    let mut limits: Vec<(Resource, i64)> = match parent {
        None => Resource::ALL.iter().map(|resource| (*resource, -1)).collect(),
        Some(_) => maximum::defaults(tx, Whose::Domain)?,
    };
    if let Some(parent) = parent.filter(|parent| *parent != ROOT_DOMAIN) {
        let set = maximum::inherited(tx, parent)?;
        for (resource, limit) in &mut limits {
            if let Some(max) = set.get(resource) {
                *limit = *max;
            }
        }
    }
    insert(tx, domain.uuid(), "Domain", limits)
}

fn insert(tx: &mut Tx<'_>, owner: Uuid, kind: &str, limits: Vec<(Resource, i64)>) -> Result<()> {
    let rows: Vec<_> = limits
        .into_iter()
        .map(|(resource, max)| {
            (
                resource_count::owner_id.eq(owner.hyphenated().to_string()),
                resource_count::kind.eq(resource.number()),
                resource_count::owner.eq(kind.to_owned()),
                resource_count::used.eq(0_i64),
                resource_count::max.eq(max),
            )
        })
        .collect();
    insert_into(resource_count::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

/// The rows of an owner that is gone.
pub fn leave(tx: &mut Tx<'_>, owner: Uuid) -> Result<()> {
    let rows =
        resource_count::table.filter(resource_count::owner_id.eq(owner.hyphenated().to_string()));
    delete(rows).execute(&mut **tx)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = Integer)]
    kind: i32,
    #[diesel(sql_type = BigInt)]
    used: i64,
}

/// What these owners have, in order of the resources' numbers. One statement, two with ROOT.
pub fn standings(conn: &mut Conn, owners: &[Uuid]) -> Result<HashMap<Uuid, Vec<Standing>>> {
    let ids: Vec<String> = owners.iter().map(|id| id.hyphenated().to_string()).collect();
    let rows: Vec<(String, i32, i64, i64)> = resource_count::table
        .filter(resource_count::owner_id.eq_any(ids))
        .order((resource_count::owner_id, resource_count::kind))
        .select((
            resource_count::owner_id,
            resource_count::kind,
            resource_count::used,
            resource_count::max,
        ))
        .load(conn)?;
    let mut found: HashMap<Uuid, Vec<Standing>> = HashMap::new();
    for (owner, kind, used, max) in rows {
        let Some((owner, resource)) = Uuid::try_parse(&owner).ok().zip(Resource::of_number(kind))
        else {
            continue;
        };
        let max = (max >= 0).then_some(max);
        found.entry(owner).or_default().push(Standing { resource, used, max });
    }
    if let Some(root) = found.get_mut(&ROOT_DOMAIN.uuid()) {
        let text = "SELECT kind, CAST(SUM(used) AS SIGNED) AS used FROM resource_count \
            WHERE owner = 'Account' GROUP BY kind";
        for sum in sql_query(text).load::<Sum>(conn)? {
            let row = root.iter_mut().find(|row| row.resource.number() == sum.kind);
            if let Some(row) = row {
                row.used = sum.used;
            }
        }
    }
    Ok(found)
}
