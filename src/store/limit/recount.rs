//! Counting again what owners have: what the counts must say at every moment.

use super::tagged;
use crate::{
    domain::{Id, id, resource::Resource},
    error::Result,
    store::{
        Tx,
        owner::{below, path},
        schema::{account, resource_count},
        seed::ROOT_DOMAIN,
    },
};
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer, Text},
};
use std::collections::HashMap;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    account_id: String,
    #[diesel(sql_type = Text)]
    domain_id: Id<id::Domain>,
    #[diesel(sql_type = Integer)]
    kind: i32,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Resource, what of it is counted, and where.
const SOURCES: &[(Resource, &str, &str)] = &[
    (
        Resource::UserVm,
        "COUNT(*)",
        "vm WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped')",
    ),
    (
        Resource::Cpu,
        "SUM(cpu_number)",
        "vm WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped')",
    ),
    (
        Resource::Memory,
        "SUM(memory_mib)",
        "vm WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped')",
    ),
    (Resource::Volume, "COUNT(*)", "volume WHERE removed IS NULL"),
    (Resource::PrimaryStorage, "SUM(size)", "volume WHERE removed IS NULL"),
    (Resource::Template, "COUNT(*)", "template WHERE removed IS NULL"),
    (Resource::SecondaryStorage, "SUM(size)", "template WHERE removed IS NULL"),
    (
        Resource::Project,
        "COUNT(*)",
        "(SELECT m.account_id, a.domain_id FROM project_member m JOIN account a ON a.id = m.account_id \
         WHERE m.is_admin = 1 \
         UNION ALL SELECT u.account_id, u.domain_id FROM project_user p JOIN user u ON u.id = p.user_id \
         WHERE p.is_admin = 1) t WHERE TRUE",
    ),
    (Resource::Network, "COUNT(*)", "network WHERE alive = 1 AND acl_type = 'Account'"),
    (
        Resource::Gpu,
        "COUNT(*)",
        "gpu_allocation WHERE active = 1 AND state IN ('Reserved', 'Allocated')",
    ),
    (
        Resource::GpuMemory,
        "SUM(memory_mib)",
        "gpu_allocation WHERE active = 1 AND state IN ('Reserved', 'Allocated')",
    ),
];

/// Counts again what an account has. Whoever charges it meanwhile waits, and is counted after.
pub fn of_account(tx: &mut Tx<'_>, account: Id<id::Account>) -> Result<()> {
    again(tx, Vec::new(), &[account.to_string()])
}

/// Counts again what a domain, those below it and their accounts have.
pub fn of_domain(tx: &mut Tx<'_>, which: Id<id::Domain>) -> Result<()> {
    let top = path(tx, which)?;
    let ids = below(tx, &top)?;
    let accounts: Vec<String> = account::table
        .filter(account::domain_id.eq_any(&ids))
        .filter(account::alive.eq(true))
        .select(account::id)
        .load(&mut **tx)?;
    // the count of ROOT is the sum of the accounts
    let domains = ids.into_iter().filter(|id| *id != ROOT_DOMAIN).collect();
    again(tx, domains, &accounts)
}

/// Holds the rows of these owners, counts, and writes what was wrong.
fn again(tx: &mut Tx<'_>, domains: Vec<Id<id::Domain>>, accounts: &[String]) -> Result<()> {
    let owners: Vec<String> =
        domains.iter().map(ToString::to_string).chain(accounts.iter().cloned()).collect();
    let said: Vec<(String, i32, i64)> = resource_count::table
        .filter(resource_count::owner_id.eq_any(&owners))
        .order((resource_count::owner_id, resource_count::kind))
        .select((resource_count::owner_id, resource_count::kind, resource_count::used))
        .for_update()
        .load(&mut **tx)?;
    let mut found: HashMap<(String, i32), i64> = HashMap::new();
    let mut homes: HashMap<Id<id::Domain>, Vec<String>> = HashMap::new();
    for home in domains {
        let top = path(tx, home)?;
        let inside = below(tx, &top)?;
        inside.into_iter().for_each(|id| homes.entry(id).or_default().push(home.to_string()));
    }
    let condition = match homes.is_empty() {
        true => format!("account_id IN ('{}')", accounts.join("', '")),
        false => {
            let ids: Vec<String> = homes.keys().map(ToString::to_string).collect();
            format!("domain_id IN ('{}')", ids.join("', '"))
        }
    };
    for row in counted(tx, &condition)? {
        let above = homes.get(&row.domain_id).into_iter().flatten();
        for owner in above.chain([&row.account_id]) {
            *found.entry((owner.clone(), row.kind)).or_default() += row.n;
        }
    }
    for (owner, kind, used) in said {
        let counted = found.get(&(owner.clone(), kind)).copied().unwrap_or(0);
        if counted != used {
            let row = resource_count::table
                .filter(resource_count::owner_id.eq(owner))
                .filter(resource_count::kind.eq(kind));
            diesel::update(row).set(resource_count::used.eq(counted)).execute(&mut **tx)?;
        }
    }
    Ok(())
}

/// What the accounts have that this condition names.
fn counted(tx: &mut Tx<'_>, condition: &str) -> Result<Vec<Counted>> {
    let part = |kind: i32, what: &str, source: &str| {
        format!(
            "SELECT account_id, domain_id, {kind} AS kind, CAST(COALESCE({what}, 0) AS SIGNED) AS n \
             FROM {source} AND {condition} GROUP BY account_id, domain_id"
        )
    };
    let mut parts: Vec<String> = SOURCES
        .iter()
        .map(|(resource, what, source)| part(resource.number(), what, source))
        .collect();
    for tag in tagged::all(tx)? {
        for (resource, what, source) in SOURCES.iter().filter(|(of, ..)| tag.counts(*of)) {
            let number = tag.number;
            let has = match resource {
                Resource::Gpu | Resource::GpuMemory => format!(
                    "vm_id IN (SELECT v.id FROM vm v WHERE FIND_IN_SET('{number}', v.limit_tags))"
                ),
                _ => format!("FIND_IN_SET('{number}', limit_tags)"),
            };
            let kind = tagged::kind(*resource, Some(number));
            parts.push(part(kind, what, &format!("{source} AND {has}")));
        }
    }
    Ok(sql_query(parts.join(" UNION ALL ")).load(&mut **tx)?)
}
