//! Listing: the entries of each allocation as one holding.

use super::check::{Verdict, check};
use crate::{
    domain::{Id, Time, id},
    error::Result,
    store::{Conn, Window, prepared::prepared},
};
use diesel::{
    OptionalExtension, QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Datetime, Nullable, Text},
};

/// Whose holders, and when.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The device; of a physical GPU also its parts.
    pub device: String,
    /// Only those that held it at this moment or later.
    pub from: Option<Time>,
    /// Only those that held it before this moment.
    pub to: Option<Time>,
}

/// Who held a device, from when until when.
#[derive(Debug, Clone, QueryableByName)]
#[expect(missing_docs, reason = "the columns of the history")]
pub struct Holding {
    #[diesel(sql_type = Text)]
    pub chain_id: Id<id::GpuDevice>,
    #[diesel(sql_type = Text)]
    pub device_id: String,
    /// The position of its last entry.
    #[diesel(sql_type = BigInt)]
    pub last: i64,
    #[diesel(sql_type = Text)]
    pub vm_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub vm_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub account_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub account: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub domain_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub domain_path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub project_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub project: Option<String>,
    #[diesel(sql_type = Text)]
    pub host_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub host: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub profile_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub memory_mib: i64,
    #[diesel(sql_type = Datetime)]
    pub reserved: Time,
    #[diesel(sql_type = Nullable<Datetime>)]
    pub allocated: Option<Time>,
    #[diesel(sql_type = Nullable<Datetime>)]
    pub releasing: Option<Time>,
    #[diesel(sql_type = Nullable<Datetime>)]
    pub released: Option<Time>,
    #[diesel(sql_type = Nullable<Text>)]
    pub began_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub ended_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub proof: Option<String>,
}

#[derive(QueryableByName)]
struct Chain {
    #[diesel(sql_type = Text)]
    id: Id<id::GpuDevice>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Who held a device, the newest first, and what its chain is worth; `None`: there is no such device. Six statements at most, and
/// one more for each 2000 entries.
pub fn list(
    conn: &mut Conn,
    filter: &Filter,
    window: &Window,
) -> Result<Option<(i64, Vec<Holding>, Verdict)>> {
    let text = "SELECT COALESCE(parent_id, id) AS id FROM gpu_device WHERE id = ?";
    let chain: Option<Chain> =
        prepared(text).bind::<Text, _>(&filter.device).get_result(conn).optional()?;
    let Some(Chain { id: chain }) = chain else { return Ok(None) };
    let from = "FROM gpu_history f LEFT JOIN gpu_history l ON l.allocation_id = f.allocation_id AND l.stage = 4 \
        LEFT JOIN gpu_history m ON m.allocation_id = f.allocation_id AND m.stage = 2 \
        LEFT JOIN gpu_history r ON r.allocation_id = f.allocation_id AND r.stage = 3 \
        WHERE f.chain_id = ? AND f.stage = 1 AND (f.chain_id = ? OR f.device_id = ?) \
        AND (CAST(? AS DATETIME(6)) IS NULL OR f.happened < ?) \
        AND (CAST(? AS DATETIME(6)) IS NULL OR l.happened IS NULL OR l.happened > ?)";
    let bound = |text: String| {
        prepared(text)
            .bind::<Text, _>(chain)
            .bind::<Text, _>(filter.device.clone())
            .bind::<Text, _>(filter.device.clone())
            .bind::<Nullable<Datetime>, _>(filter.to)
            .bind::<Nullable<Datetime>, _>(filter.to)
            .bind::<Nullable<Datetime>, _>(filter.from)
            .bind::<Nullable<Datetime>, _>(filter.from)
    };
    let text = format!(
        "SELECT f.chain_id, f.device_id, GREATEST(f.position, COALESCE(m.position, 0), COALESCE(r.position, 0), \
            COALESCE(l.position, 0)) AS last, f.vm_id, f.vm_name, f.account_id, f.account, f.domain_id, f.domain_path, \
            f.project_id, f.project, f.host_id, f.host, f.profile_id, f.memory_mib, f.happened AS reserved, \
            m.happened AS allocated, r.happened AS releasing, l.happened AS released, f.cause AS began_by, \
            COALESCE(r.cause, l.cause) AS ended_by, l.proof {from} ORDER BY f.position DESC LIMIT ? OFFSET ?"
    );
    let rows: Vec<Holding> = bound(text)
        .bind::<BigInt, _>(window.limit.unwrap_or(i64::MAX))
        .bind::<BigInt, _>(window.offset)
        .load(conn)?;
    let count = window.count(rows.len(), || {
        let counted: Count = bound(format!("SELECT COUNT(*) AS n {from}")).get_result(conn)?;
        Ok(counted.n)
    })?;
    Ok(Some((count, rows, check(conn, chain)?)))
}
