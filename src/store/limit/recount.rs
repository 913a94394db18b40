//! Counting again what owners have: what the counts must say at every moment.

use crate::{
    domain::{Id, id, resource::Resource},
    error::Result,
    store::{
        Tx,
        owner::below,
        schema::{domain, resource_count},
    },
};
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer},
};
use std::collections::HashMap;

#[derive(QueryableByName)]
struct Counted {
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
    again(tx, &account.to_string(), &format!("account_id = '{account}'"))
}

/// Counts again what a domain and those below it have.
pub fn of_domain(tx: &mut Tx<'_>, which: Id<id::Domain>) -> Result<()> {
    let path: String =
        domain::table.filter(domain::id.eq(which)).select(domain::path).first(&mut **tx)?;
    let ids: Vec<String> = below(tx, &path)?.iter().map(ToString::to_string).collect();
    again(tx, &which.to_string(), &format!("domain_id IN ('{}')", ids.join("', '")))
}

fn again(tx: &mut Tx<'_>, owner: &str, condition: &str) -> Result<()> {
    let rows = resource_count::table.filter(resource_count::owner_id.eq(owner)).for_update();
    let kinds: Vec<i32> = rows.select(resource_count::kind).load(&mut **tx)?;
    let parts: Vec<String> = SOURCES
        .iter()
        .map(|(resource, what, source)| {
            format!(
                "SELECT {} AS kind, CAST(COALESCE({what}, 0) AS SIGNED) AS n FROM {source} AND {condition}",
                resource.number()
            )
        })
        .collect();
    let counted: Vec<Counted> = sql_query(parts.join(" UNION ALL ")).load(&mut **tx)?;
    let counted: HashMap<i32, i64> = counted.into_iter().map(|row| (row.kind, row.n)).collect();
    for kind in kinds {
        let used = counted.get(&kind).copied().unwrap_or(0);
        let row = resource_count::table
            .filter(resource_count::owner_id.eq(owner))
            .filter(resource_count::kind.eq(kind));
        diesel::update(row).set(resource_count::used.eq(used)).execute(&mut **tx)?;
    }
    Ok(())
}
