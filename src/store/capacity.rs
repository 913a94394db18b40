//! How much there is of everything and how much is in use, per zone, pod or cluster.

use super::{
    Conn,
    gpu_count::{self, Count, Part},
};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer, Text},
};
use std::collections::HashMap;

/// CPU speed, MHz.
pub const CPU: i32 = 1;
/// Memory, bytes.
pub const MEMORY: i32 = 0;
/// Storage that is full, bytes.
pub const STORAGE: i32 = 2;
/// Storage that is promised to volumes, bytes.
pub const STORAGE_ALLOCATED: i32 = 3;
/// Storage for images, bytes.
pub const SECONDARY_STORAGE: i32 = 6;
/// Storage of single hosts, bytes.
pub const LOCAL_STORAGE: i32 = 9;
/// GPU devices.
pub const GPU: i32 = 19;
/// CPUs.
pub const CPU_CORE: i32 = 90;

/// The name of a type on the wire.
pub const fn name(kind: i32) -> &'static str {
    match kind {
        MEMORY => "MEMORY",
        CPU => "CPU",
        STORAGE => "STORAGE",
        STORAGE_ALLOCATED => "STORAGE_ALLOCATED",
        SECONDARY_STORAGE => "SECONDARY_STORAGE",
        LOCAL_STORAGE => "LOCAL_STORAGE",
        GPU => "GPU",
        _ => "CPU_CORE",
    }
}

/// One sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Its type.
    pub kind: i32,
    /// In use or promised.
    pub used: i64,
    /// All there is.
    pub total: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Integer)]
    kind: i32,
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The sums of each of these zones, pods or clusters, GPUs last. Two statements.
pub fn sums<T: Part>(conn: &mut Conn, parts: &[Id<T>]) -> Result<HashMap<Id<T>, Vec<Sum>>> {
    let gpus = gpu_count::by_part(conn, parts)?;
    sums_with(conn, parts, &gpus)
}

/// The same where the GPUs are counted already. One statement.
pub fn sums_with<T: Part>(
    conn: &mut Conn,
    parts: &[Id<T>],
    gpus: &HashMap<Id<T>, Count>,
) -> Result<HashMap<Id<T>, Vec<Sum>>> {
    if parts.is_empty() {
        return Ok(HashMap::new());
    }
    // the text of an id needs no escaping
    let owners: Vec<String> = parts.iter().map(|id| format!("'{id}'")).collect();
    let (column, owners) = (T::COLUMN, owners.join(", "));
    let hosts =
        format!("FROM host h WHERE h.alive = 1 AND h.{column} IN ({owners}) GROUP BY h.{column}");
    let vms = format!(
        "FROM vm v JOIN host h ON h.id = v.host_id WHERE v.removed IS NULL AND v.state IN ('Starting', 'Running', 'Stopping') AND h.{column} IN ({owners}) GROUP BY h.{column}"
    );
    let pools = |local: &str| {
        format!(
            "FROM storage_pool p WHERE p.alive = 1 AND p.host_id IS {local} NULL AND p.{column} IN ({owners}) GROUP BY p.{column}"
        )
    };
    let volumes = format!(
        "FROM volume o JOIN storage_pool p ON p.id = o.pool_id WHERE p.alive = 1 AND o.removed IS NULL AND p.{column} IN ({owners}) GROUP BY p.{column}"
    );
    let whole = |kind: i32, what: &str| {
        format!(
            "SELECT h.{column} AS owner, {kind} AS kind, 0 AS used, CAST(SUM({what}) AS SIGNED) AS total {hosts}"
        )
    };
    let taken = |kind: i32, what: &str| {
        format!(
            "SELECT h.{column} AS owner, {kind} AS kind, CAST(SUM({what}) AS SIGNED) AS used, 0 AS total {vms}"
        )
    };
    let stored = |kind: i32, local: &str| {
        format!(
            "SELECT p.{column} AS owner, {kind} AS kind, CAST(SUM(p.capacity - p.available) AS SIGNED) AS used, CAST(SUM(p.capacity) AS SIGNED) AS total {}",
            pools(local)
        )
    };
    let sums = [
        whole(CPU, "h.cpus * h.mhz"),
        whole(CPU_CORE, "h.cpus"),
        whole(MEMORY, "h.memory"),
        taken(CPU, "v.cpu_number * v.cpu_speed"),
        taken(CPU_CORE, "v.cpu_number"),
        taken(MEMORY, "v.memory_mib * 1048576"),
        stored(STORAGE, ""),
        stored(LOCAL_STORAGE, "NOT"),
        format!(
            "SELECT p.{column} AS owner, {STORAGE_ALLOCATED} AS kind, 0 AS used, CAST(SUM(p.capacity) AS SIGNED) AS total FROM storage_pool p WHERE p.alive = 1 AND p.{column} IN ({owners}) GROUP BY p.{column}"
        ),
        format!(
            "SELECT p.{column} AS owner, {STORAGE_ALLOCATED} AS kind, CAST(SUM(o.size) AS SIGNED) AS used, 0 AS total {volumes}"
        ),
    ];
    let rows: Vec<Row> = sql_query(sums.join(" UNION ALL ")).load(conn)?;
    let mut found = gather(rows);
    let sums = parts.iter().map(|id| {
        let mut sums = found.remove(&id.to_string()).unwrap_or_default();
        let Count { used, total } = gpus.get(id).copied().unwrap_or_default();
        sums.push(Sum { kind: GPU, used, total });
        (*id, sums)
    });
    Ok(sums.collect())
}

/// Adds the halves of each sum up.
fn gather(rows: Vec<Row>) -> HashMap<String, Vec<Sum>> {
    let mut found: HashMap<String, Vec<Sum>> = HashMap::new();
    for row in rows {
        let sums = found.entry(row.owner).or_default();
        match sums.iter_mut().find(|sum| sum.kind == row.kind) {
            Some(sum) => (sum.used, sum.total) = (sum.used + row.used, sum.total + row.total),
            None => sums.push(Sum { kind: row.kind, used: row.used, total: row.total }),
        }
    }
    for sums in found.values_mut() {
        sums.sort_by_key(|sum| sum.kind);
    }
    found
}

/// What the instances of a host take of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Virtual CPUs.
    pub cpus: i64,
    /// CPU speed in MHz, all CPUs together.
    pub mhz: i64,
    /// Memory in bytes.
    pub memory: i64,
}

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = BigInt)]
    cpus: i64,
    #[diesel(sql_type = BigInt)]
    mhz: i64,
    #[diesel(sql_type = BigInt)]
    memory: i64,
}

/// What is taken of these hosts; hosts without instances are absent. One statement.
pub fn taken(conn: &mut Conn, hosts: &[Id<id::Host>]) -> Result<HashMap<Id<id::Host>, Taken>> {
    if hosts.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = hosts.iter().map(|id| format!("'{id}'")).collect();
    let rows: Vec<TakenRow> = sql_query(format!(
        "SELECT v.host_id AS host, CAST(SUM(v.cpu_number) AS SIGNED) AS cpus, CAST(SUM(v.cpu_number * v.cpu_speed) AS SIGNED) AS mhz, CAST(SUM(v.memory_mib) AS SIGNED) * 1048576 AS memory FROM vm v WHERE v.removed IS NULL AND v.state IN ('Starting', 'Running', 'Stopping') AND v.host_id IN ({}) GROUP BY v.host_id",
        ids.join(", ")
    ))
    .load(conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let TakenRow { host, cpus, mhz, memory } = row;
            Some((host.parse().ok()?, Taken { cpus, mhz, memory }))
        })
        .collect())
}

/// A share in percent as clients read it: `16.05`, `0`.
pub fn percent(used: i64, total: i64) -> String {
    if total <= 0 {
        return "0".to_owned();
    }
    let hundredths = (i128::from(used) * 20_000 / i128::from(total) + 1) / 2;
    let (whole, part) = (hundredths / 100, hundredths % 100);
    match part {
        0 => whole.to_string(),
        part if part % 10 == 0 => format!("{whole}.{}", part / 10),
        part => format!("{whole}.{part:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_without_zeros_at_the_end() {
        for (used, total, want) in [
            (20_550, 128_000, "16.05"),
            (14_931_722_240, 34_359_738_368, "43.46"),
            (0, 5, "0"),
            (205, 8, "2562.5"),
            (5600, 32_000, "17.5"),
            (1, 0, "0"),
            (9_900, 64_000, "15.47"),
        ] {
            assert_eq!(percent(used, total), want);
        }
    }
}
