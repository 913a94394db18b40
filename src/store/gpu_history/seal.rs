//! Sealing: the steps of allocations that are not in the history yet become entries of it.

use super::{COLUMNS, Entry, FIRST, GUARD, STAGES, TIME};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
    store::{
        Tx, is_duplicate,
        prepared::{marks, padded, prepared},
    },
};
use diesel::{
    OptionalExtension, QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Bool, Datetime, Integer, Nullable, Text},
};
use std::collections::BTreeMap;

/// The most allocations of one transaction: four entries each.
const BATCH: usize = 64;

/// A step of an allocation that is due.
#[derive(QueryableByName)]
struct Step {
    #[diesel(embed)]
    entry: Entry,
    /// Whether it is in the history.
    #[diesel(sql_type = Bool)]
    is_written: bool,
}

/// The last entry of a chain.
#[derive(Debug, Clone, QueryableByName)]
struct End {
    #[diesel(sql_type = Text)]
    chain_id: Id<id::GpuDevice>,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    hash: String,
}

/// Writes down the steps of `BATCH` allocations that are due; says of how many. One statement when there is nothing, eight when
/// there is. Error: lost race, when another server does it.
pub fn seal(tx: &mut Tx<'_>) -> Result<usize> {
    let some: Option<Due> = prepared("SELECT due FROM gpu_allocation WHERE due = 1 LIMIT 1")
        .get_result(&mut **tx)
        .optional()?;
    if some.is_none_or(|some| !some.due) {
        return Ok(0);
    }
    // one at a time; on another node of a cluster the unique keys decide
    let guard =
        "SELECT chain_id, position, hash FROM gpu_history_head WHERE chain_id = ? FOR UPDATE";
    let _: Vec<End> = prepared(guard).bind::<Text, _>(GUARD).load(&mut **tx)?;
    let steps = pending(tx)?;
    let mut allocations: BTreeMap<String, Written> = BTreeMap::new();
    for Step { entry, .. } in &steps {
        let written = allocations.entry(entry.allocation_id.clone()).or_default();
        *written = Written { steps: written.steps + 1, is_over: entry.stage == 4 };
    }
    let due = steps.into_iter().filter(|step| !step.is_written).map(|step| step.entry).collect();
    append(tx, due)?;
    note(tx, &allocations)?;
    Ok(allocations.len())
}

/// How much of an allocation is in the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    steps: i32,
    is_over: bool,
}

/// Notes of allocations what of them is written. A step that came meanwhile keeps its allocation due.
fn note(tx: &mut Tx<'_>, allocations: &BTreeMap<String, Written>) -> Result<()> {
    let mut alike: BTreeMap<Written, Vec<&String>> = BTreeMap::new();
    for (id, written) in allocations {
        alike.entry(*written).or_default().push(id);
    }
    for (written, ids) in alike {
        let ids = padded(&ids);
        let text = format!(
            "UPDATE gpu_allocation SET written = ?, sealed = ? WHERE id IN ({})",
            marks(ids.len())
        );
        prepared(text)
            .bind::<Integer, _>(written.steps)
            .bind::<Bool, _>(written.is_over)
            .bind_all::<Text, _>(ids)
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// Writes these steps at the ends of their chains. Error: lost race, when another server does it.
fn append(tx: &mut Tx<'_>, mut due: Vec<Entry>) -> Result<()> {
    if due.is_empty() {
        return Ok(());
    }
    let mut ends = ends(tx, &due)?;
    let hashes: Vec<String> = due
        .iter_mut()
        .map(|entry| {
            let end = ends.entry(entry.chain_id).or_insert_with(|| (0, FIRST.to_owned()));
            entry.position = end.0 + 1;
            *end = (entry.position, entry.hash(&end.1));
            end.1.clone()
        })
        .collect();
    insert(tx, &due, &hashes).map_err(|error| match is_duplicate(&error) {
        true => Error::LostRace("history of GPUs"), // another server does it
        false => error,
    })?;
    let text = format!(
        "INSERT INTO gpu_history_head (chain_id, position, hash) VALUES {} \
         ON DUPLICATE KEY UPDATE position = VALUES(position), hash = VALUES(hash)",
        vec!["(?, ?, ?)"; ends.len()].join(", ")
    );
    let mut statement = prepared(text).rare(true);
    for (chain, (position, hash)) in &ends {
        statement =
            statement.bind::<Text, _>(chain).bind::<BigInt, _>(position).bind::<Text, _>(hash);
    }
    statement.execute(&mut **tx)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Bool)]
    due: bool,
}

/// The steps of allocations that are due, the oldest first, without their positions: each allocation's in their order. What began an
/// allocation is the last event about the instance; that of an admission is written just after the claim, in the same transaction.
fn pending(tx: &mut Tx<'_>) -> Result<Vec<Step>> {
    let text = format!(
        "SELECT COALESCE(d.parent_id, d.id) AS chain_id, 0 AS position, a.id AS allocation_id, s.stage, a.device_id, \
            {TIME} AS happened, x.chain_id IS NOT NULL AS is_written, \
            IF(x.chain_id IS NULL, (SELECT LEFT(e.kind, 64) FROM event e WHERE e.resource_id = a.vm_id \
                AND e.created <= {TIME} + INTERVAL IF(s.stage = 1, 1, 0) SECOND \
                ORDER BY e.created DESC, e.id DESC LIMIT 1), NULL) AS cause, \
            a.vm_id, v.name AS vm_name, a.account_id, o.name AS account, a.domain_id, b.path AS domain_path, \
            p.id AS project_id, p.name AS project, a.host_id, h.name AS host, a.profile_id, a.memory_mib, \
            IF(s.stage = 4, a.proof, NULL) AS proof \
         FROM (SELECT id FROM gpu_allocation WHERE due = 1 ORDER BY reserved, id LIMIT {BATCH}) q \
         JOIN gpu_allocation a ON a.id = q.id JOIN gpu_device d ON d.id = a.device_id JOIN {STAGES} \
         LEFT JOIN gpu_history x ON x.allocation_id = a.id AND x.stage = s.stage \
         LEFT JOIN vm v ON v.id = a.vm_id LEFT JOIN account o ON o.id = a.account_id \
         LEFT JOIN domain b ON b.id = a.domain_id LEFT JOIN project p ON p.account_id = a.account_id \
         LEFT JOIN host h ON h.id = a.host_id \
         WHERE {TIME} IS NOT NULL ORDER BY a.reserved, a.id, s.stage"
    );
    Ok(prepared(text).load(&mut **tx)?)
}

/// Where the chains of these entries end: as noted, or later.
fn ends(tx: &mut Tx<'_>, due: &[Entry]) -> Result<BTreeMap<Id<id::GpuDevice>, (i64, String)>> {
    let mut chains: Vec<Id<id::GpuDevice>> = due.iter().map(|entry| entry.chain_id).collect();
    chains.sort_unstable();
    chains.dedup();
    let ids = marks(chains.len());
    let text = format!(
        "SELECT chain_id, position, hash FROM gpu_history_head WHERE chain_id IN ({ids}) UNION ALL \
         SELECT chain_id, position, hash FROM gpu_history h WHERE chain_id IN ({ids}) \
            AND position = (SELECT MAX(position) FROM gpu_history m WHERE m.chain_id = h.chain_id)"
    );
    let rows: Vec<End> = prepared(text)
        .rare(true)
        .bind_all::<Text, _>(chains.iter())
        .bind_all::<Text, _>(chains.iter())
        .load(&mut **tx)?;
    let mut ends = BTreeMap::new();
    for row in rows {
        let end = ends.entry(row.chain_id).or_insert_with(|| (row.position, row.hash.clone()));
        if row.position > end.0 {
            *end = (row.position, row.hash);
        }
    }
    Ok(ends)
}

fn insert(tx: &mut Tx<'_>, entries: &[Entry], hashes: &[String]) -> Result<()> {
    let one = format!("({})", marks(21));
    let all = vec![one.as_str(); entries.len()].join(", ");
    let text = format!("INSERT INTO gpu_history ({COLUMNS}, hash) VALUES {all}");
    let mut statement = prepared(text).rare(true);
    for (entry, hash) in entries.iter().zip(hashes) {
        statement = statement
            .bind::<Text, _>(entry.chain_id)
            .bind::<BigInt, _>(entry.position)
            .bind::<Text, _>(&entry.allocation_id)
            .bind::<Integer, _>(entry.stage)
            .bind::<Text, _>(&entry.device_id)
            .bind::<Datetime, _>(entry.happened)
            .bind::<Nullable<Text>, _>(&entry.cause)
            .bind::<Text, _>(&entry.vm_id)
            .bind::<Nullable<Text>, _>(&entry.vm_name)
            .bind::<Nullable<Text>, _>(&entry.account_id)
            .bind::<Nullable<Text>, _>(&entry.account)
            .bind::<Nullable<Text>, _>(&entry.domain_id)
            .bind::<Nullable<Text>, _>(&entry.domain_path)
            .bind::<Nullable<Text>, _>(&entry.project_id)
            .bind::<Nullable<Text>, _>(&entry.project)
            .bind::<Text, _>(&entry.host_id)
            .bind::<Nullable<Text>, _>(&entry.host)
            .bind::<Nullable<Text>, _>(&entry.profile_id)
            .bind::<BigInt, _>(entry.memory_mib)
            .bind::<Nullable<Text>, _>(&entry.proof)
            .bind::<Text, _>(hash);
    }
    statement.execute(&mut **tx)?;
    Ok(())
}
