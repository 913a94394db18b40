//! Jobs that ended long ago are removed.

use super::Tx;
use crate::error::Result;
use diesel::{RunQueryDsl, sql_query, sql_types::BigInt};

/// Removes jobs that ended so many minutes ago, the oldest first and at most so many; how many there were. What a host
/// owes is known by the job whose undoing it owes, so such a job stays until that is paid.
pub fn expire(tx: &mut Tx<'_>, minutes: i64, most: i64) -> Result<usize> {
    let text = "DELETE FROM job WHERE finished < UTC_TIMESTAMP(6) - INTERVAL ? MINUTE AND state IN ('Done', 'Failed') \
        AND id NOT IN (SELECT plan FROM host_debt WHERE paid IS NULL) ORDER BY finished LIMIT ?";
    Ok(sql_query(text).bind::<BigInt, _>(minutes).bind::<BigInt, _>(most).execute(&mut **tx)?)
}
