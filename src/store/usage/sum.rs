//! Usage summed: by account, by profile or by host, over any time. One statement, whatever the number of stretches.

use crate::{domain::Time, error::Result, store::Conn};
use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Datetime, Integer, Nullable, Text},
};

/// What is summed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumBy {
    /// What each account used.
    Account,
    /// What each vGPU profile was used.
    Profile,
    /// What was used on each host.
    Host,
}

/// What was used in all.
#[derive(Debug, Clone, QueryableByName)]
pub struct Sum {
    /// The usage type; GPU memory is in the row of its GPUs.
    #[diesel(sql_type = Integer)]
    pub kind: i32,
    /// The account, profile or host.
    #[diesel(sql_type = Nullable<Text>)]
    pub id: Option<String>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// How many stretches.
    #[diesel(sql_type = BigInt)]
    pub stretches: i64,
    /// For how long, all together.
    #[diesel(sql_type = BigInt)]
    pub microseconds: i64,
    /// The same times the memory, in MiB and seconds.
    #[diesel(sql_type = BigInt)]
    pub mib_seconds: i64,
}

/// The sums of the time from `from` until `to`, as far as it is over: nothing was used in what is to come.
pub fn sums(conn: &mut Conn, from: Time, to: Time, by: SumBy) -> Result<Vec<Sum>> {
    let (column, names) = match by {
        SumBy::Account => ("account_id", "account"),
        SumBy::Profile => ("profile_id", "vgpu_profile"),
        SumBy::Host => ("host_id", "host"),
    };
    let text = format!(
        "SELECT t.kind, t.id, n.name, t.stretches, t.microseconds, t.mib_seconds FROM ( \
            SELECT u.kind, u.{column} AS id, COUNT(*) AS stretches, \
                CAST(SUM(TIMESTAMPDIFF(MICROSECOND, GREATEST(u.started, r.a), LEAST(COALESCE(u.ended, r.b), r.b))) AS SIGNED) \
                    AS microseconds, \
                CAST(COALESCE(SUM(COALESCE(u.memory_mib, 0) * TIMESTAMPDIFF(MICROSECOND, GREATEST(u.started, r.a), \
                    LEAST(COALESCE(u.ended, r.b), r.b))) / 1000000, 0) AS SIGNED) AS mib_seconds \
            FROM (SELECT CAST(? AS DATETIME(6)) AS a, LEAST(CAST(? AS DATETIME(6)), UTC_TIMESTAMP(6)) AS b) r \
            JOIN usage_interval u ON r.a < r.b AND u.started < r.b AND (u.ended IS NULL OR u.ended > r.a) \
            GROUP BY u.kind, u.{column}) t \
         LEFT JOIN {names} n ON n.id = t.id ORDER BY n.name, t.id, t.kind"
    );
    Ok(sql_query(text).bind::<Datetime, _>(from).bind::<Datetime, _>(to).load(conn)?)
}
