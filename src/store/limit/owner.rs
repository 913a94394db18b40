//! The rows of owners: made with an account or a domain, gone with it; read for answers.

use super::{maximum, tagged};
use crate::{
    domain::{
        Id, id,
        identity::RoleType,
        resource::{Resource, Whose},
    },
    error::Result,
    store::{
        Conn, Tx,
        prepared::{marks, prepared},
        schema::resource_count,
        seed::ROOT_DOMAIN,
    },
};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, delete,
    insert_into, sql_query,
    sql_types::{BigInt, Integer, Text},
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
    insert(tx, account.uuid(), "Account", limits)?;
    tagged::enter_owner(tx, (&account.to_string(), "Account"), |_| None)
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
    let mut set = HashMap::new();
    if let Some(parent) = parent.filter(|parent| *parent != ROOT_DOMAIN) {
        set = maximum::inherited(tx, parent)?;
        for (resource, limit) in &mut limits {
            if let Some(max) = set.get(&resource.number()) {
                *limit = *max;
            }
        }
    }
    insert(tx, domain.uuid(), "Domain", limits)?;
    tagged::enter_owner(tx, (&domain.to_string(), "Domain"), |kind| set.get(&kind).copied())
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

/// What an owner has and may have of what asks for a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The tag.
    pub tag: String,
    /// How much; where no limit was set for the tag, that of the resource as a whole.
    pub standing: Standing,
}

/// What an owner has and may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standings {
    /// Of each resource, in order of their numbers.
    pub all: Vec<Standing>,
    /// Of that, what asks for tags that have limits.
    pub tagged: Vec<Tagged>,
    /// How many of its instances run and how many are stopped, if that was asked for.
    pub power: Option<Power>,
}

/// Instances of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Power {
    /// How many run.
    pub running: i64,
    /// How many are stopped.
    pub stopped: i64,
}

#[derive(QueryableByName)]
struct Powered {
    #[diesel(sql_type = Text)]
    account_id: Id<id::Account>,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = BigInt)]
    stopped: i64,
}

/// What these accounts have, with how many of their instances run. One statement more than [`standings`].
pub fn of_accounts(conn: &mut Conn, accounts: &[Uuid]) -> Result<HashMap<Uuid, Standings>> {
    let mut found = standings(conn, accounts)?;
    if found.is_empty() {
        return Ok(found);
    }
    for standings in found.values_mut() {
        standings.power = Some(Power::default());
    }
    let text = format!(
        "SELECT account_id, CAST(SUM(state = 'Running') AS SIGNED) AS running, \
         CAST(SUM(state = 'Stopped') AS SIGNED) AS stopped \
         FROM vm WHERE account_id IN ({}) AND removed IS NULL GROUP BY account_id",
        marks(accounts.len())
    );
    let ids = accounts.iter().map(|id| id.hyphenated().to_string());
    let rows: Vec<Powered> = prepared(text).rare(true).bind_all::<Text, _>(ids).load(conn)?;
    for Powered { account_id, running, stopped } in rows {
        if let Some(standings) = found.get_mut(&account_id.uuid()) {
            standings.power = Some(Power { running, stopped });
        }
    }
    Ok(found)
}

/// What these owners have, in order of the resources' numbers. One statement, two with ROOT, one more where tags have limits.
pub fn standings(conn: &mut Conn, owners: &[Uuid]) -> Result<HashMap<Uuid, Standings>> {
    let ids: Vec<String> = owners.iter().map(|id| id.hyphenated().to_string()).collect();
    let mut rows: Vec<(String, i32, i64, i64)> = resource_count::table
        .filter(resource_count::owner_id.eq_any(ids))
        .order((resource_count::owner_id, resource_count::kind))
        .select((
            resource_count::owner_id,
            resource_count::kind,
            resource_count::used,
            resource_count::max,
        ))
        .load(conn)?;
    let root = ROOT_DOMAIN.to_string();
    if rows.iter().any(|row| row.0 == root) {
        let text = "SELECT kind, CAST(SUM(used) AS SIGNED) AS used FROM resource_count \
            WHERE owner = 'Account' GROUP BY kind";
        for sum in sql_query(text).load::<Sum>(conn)? {
            let own = rows.iter_mut().find(|row| row.0 == root && row.1 == sum.kind);
            if let Some(row) = own {
                row.2 = sum.used;
            }
        }
    }
    let is_tagged = |kind: i32| tagged::of_kind(kind).is_some_and(|(_, tag)| tag.is_some());
    let tags = match rows.iter().any(|row| is_tagged(row.1)) {
        true => tagged::all(conn)?,
        false => Vec::new(),
    };
    let mut found: HashMap<Uuid, Standings> = HashMap::new();
    for (owner, kind, used, max) in rows {
        let Some((owner, (resource, tag))) =
            Uuid::try_parse(&owner).ok().zip(tagged::of_kind(kind))
        else {
            continue;
        };
        let max = (max >= 0).then_some(max);
        let standing = Standing { resource, used, max };
        let of = found.entry(owner).or_default();
        let Some(number) = tag else {
            of.all.push(standing);
            continue;
        };
        // what was set for no tag is bound by the whole
        let whole = of.all.iter().find(|whole| whole.resource == resource).and_then(|it| it.max);
        let standing = Standing { max: max.or(whole), ..standing };
        if let Some(tag) = tags.iter().find(|tag| tag.number == number) {
            of.tagged.push(Tagged { tag: tag.name.clone(), standing });
        }
    }
    Ok(found)
}
