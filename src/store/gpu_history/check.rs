//! Checking a chain: every hash, every position, its end, and the allocations.

use super::{COLUMNS, Entry, FIRST, GUARD, STAGES, TIME};
use crate::{
    domain::{Id, id},
    error::Result,
    store::{Conn, prepared::prepared},
};
use diesel::{
    OptionalExtension, QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Text},
};

/// How many entries are read at once.
const PIECE: i64 = 2000;

/// What a chain is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries there are.
    pub entries: i64,
    /// The hash of the last good one.
    pub hash: String,
    /// The first position at which it is not what was written, and in what way.
    pub broken: Option<(i64, String)>,
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(embed)]
    entry: Entry,
    #[diesel(sql_type = Text)]
    hash: String,
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    hash: String,
}

#[derive(QueryableByName)]
struct Chain {
    #[diesel(sql_type = Text)]
    id: Id<id::GpuDevice>,
}

/// The physical GPUs that were ever held, or that have a history.
pub fn chains(conn: &mut Conn) -> Result<Vec<Id<id::GpuDevice>>> {
    let text = "SELECT chain_id AS id FROM gpu_history_head WHERE chain_id <> ? UNION SELECT chain_id FROM gpu_history UNION \
        SELECT COALESCE(d.parent_id, d.id) FROM gpu_allocation a JOIN gpu_device d ON d.id = a.device_id ORDER BY id";
    let rows: Vec<Chain> = prepared(text).bind::<Text, _>(GUARD).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Is the history of this physical GPU what was written? Three statements, and one more for each 2000 entries.
pub fn check(conn: &mut Conn, chain: Id<id::GpuDevice>) -> Result<Verdict> {
    // the end first: what is written meanwhile comes after it
    let head: Option<Head> =
        prepared("SELECT position, hash FROM gpu_history_head WHERE chain_id = ?")
            .bind::<Text, _>(chain)
            .get_result(conn)
            .optional()?;
    let text = format!(
        "SELECT {COLUMNS}, hash FROM gpu_history WHERE chain_id = ? AND position > ? ORDER BY position LIMIT {PIECE}"
    );
    let (mut hash, mut position, mut entries, mut broken) = (FIRST.to_owned(), 0, 0, None);
    let mut at_head = None;
    loop {
        let from = position;
        let rows: Vec<Written> =
            prepared(&*text).bind::<Text, _>(chain).bind::<BigInt, _>(from).load(conn)?;
        let is_last = i64::try_from(rows.len()).unwrap_or(PIECE) < PIECE;
        for Written { entry, hash: written } in rows {
            entries += 1;
            if broken.is_none() {
                broken = match () {
                    () if entry.position != position + 1 => {
                        Some((position + 1, "an entry is missing".to_owned()))
                    }
                    () if entry.hash(&hash) != written => {
                        Some((entry.position, "an entry was changed".to_owned()))
                    }
                    () => None,
                };
                if broken.is_none() {
                    hash.clone_from(&written);
                }
            }
            position = entry.position;
            if head.as_ref().is_some_and(|head| head.position == position) {
                at_head = Some(written);
            }
        }
        if is_last {
            break;
        }
    }
    if broken.is_none() {
        broken = match head {
            None if entries > 0 => {
                Some((position, "the end of the history is not noted".to_owned()))
            }
            Some(head) if head.position > position => {
                Some((position + 1, "the last entries are missing".to_owned()))
            }
            Some(head) if at_head.as_ref() != Some(&head.hash) => {
                Some((head.position, "the history ends otherwise than is noted".to_owned()))
            }
            _ => differing(conn, chain)?.map(|at| {
                let at = if at > 0 { at } else { position + 1 };
                (at, "the allocations say otherwise".to_owned())
            }),
        };
    }
    Ok(Verdict { entries, hash, broken })
}

#[derive(QueryableByName)]
struct Differing {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// The first entry that is not what the allocations say; 0: one that is not there, though its allocation is sealed.
fn differing(conn: &mut Conn, chain: Id<id::GpuDevice>) -> Result<Option<i64>> {
    let text = format!(
        "SELECT COALESCE(x.position, 0) AS position FROM gpu_device d JOIN gpu_allocation a ON a.device_id = d.id JOIN {STAGES} \
            LEFT JOIN gpu_history x ON x.allocation_id = a.id AND x.stage = s.stage \
            WHERE (d.id = ? OR d.parent_id = ?) AND ( \
                (x.chain_id IS NULL AND a.sealed = 1 AND {TIME} IS NOT NULL) OR (x.chain_id IS NOT NULL AND NOT ( \
                    {TIME} <=> x.happened AND a.vm_id = x.vm_id AND a.device_id = x.device_id AND a.host_id = x.host_id \
                    AND a.account_id <=> x.account_id))) \
         UNION ALL SELECT x.position FROM gpu_history x LEFT JOIN gpu_allocation a ON a.id = x.allocation_id \
            WHERE x.chain_id = ? AND a.id IS NULL \
         ORDER BY position LIMIT 1"
    );
    let found: Option<Differing> = prepared(text)
        .bind::<Text, _>(chain)
        .bind::<Text, _>(chain)
        .bind::<Text, _>(chain)
        .get_result(conn)
        .optional()?;
    Ok(found.map(|row| row.position))
}
