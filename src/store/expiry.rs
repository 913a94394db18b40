//! What ended long ago is removed: jobs, and events and alerts where that was asked for.

use super::Tx;
use crate::error::Result;
use diesel::{RunQueryDsl, sql_query, sql_types::BigInt};

/// Removes jobs that ended so many minutes ago, the oldest first and at most so many; how many there were. What a host
/// owes is known by the job whose undoing it owes, so such a job stays until that is paid.
pub fn jobs(tx: &mut Tx<'_>, minutes: i64, most: i64) -> Result<usize> {
    let text = "DELETE FROM job WHERE finished < UTC_TIMESTAMP(6) - INTERVAL ? MINUTE AND state IN ('Done', 'Failed') \
        AND id NOT IN (SELECT plan FROM host_debt WHERE paid IS NULL) ORDER BY finished LIMIT ?";
    Ok(sql_query(text).bind::<BigInt, _>(minutes).bind::<BigInt, _>(most).execute(&mut **tx)?)
}

/// Removes events of so many days ago, the oldest first and at most so many; how many there were. Those of a job that goes on
/// stay, since its last event is made of its first.
pub fn events(tx: &mut Tx<'_>, days: i64, most: i64) -> Result<usize> {
    let text = "DELETE FROM event WHERE created < UTC_TIMESTAMP(6) - INTERVAL ? DAY \
        AND (job_id IS NULL OR job_id NOT IN (SELECT id FROM job WHERE state NOT IN ('Done', 'Failed'))) \
        ORDER BY created LIMIT ?";
    Ok(sql_query(text).bind::<BigInt, _>(days).bind::<BigInt, _>(most).execute(&mut **tx)?)
}

/// Removes alerts that were over, or raised by hand, so many days ago, at most so many; how many there were. What is still so stays.
pub fn alerts(tx: &mut Tx<'_>, days: i64, most: i64) -> Result<usize> {
    let text = "DELETE FROM alert WHERE open IS NULL \
        AND COALESCE(resolved, created) < UTC_TIMESTAMP(6) - INTERVAL ? DAY ORDER BY created LIMIT ?";
    Ok(sql_query(text).bind::<BigInt, _>(days).bind::<BigInt, _>(most).execute(&mut **tx)?)
}
