//! Removes jobs some time after their end (`job.expire.minutes`), so that the table stays as large as a day's work.

use crate::{
    command::Wiring,
    domain::setting::{JOB_EXPIRY, JOB_MINUTES},
    error::Result,
    store::{job_expiry, setting},
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

/// How often is looked for such jobs.
const ROUND: Duration = Duration::from_secs(300);
/// How many are removed in one transaction.
const BATCH: i64 = 500;

/// Removes until it is aborted. Several servers may do it at the same time.
pub(super) fn start(wiring: Arc<Wiring>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            if let Err(error) = expire(&wiring).await {
                tracing::warn!(%error, "cannot remove jobs that ended long ago");
            }
            sleep(ROUND).await;
        }
    })
}

/// Removes all that ended long enough ago.
pub async fn expire(wiring: &Wiring) -> Result<()> {
    let minutes = wiring.db.read(|conn| setting::number(conn, JOB_EXPIRY, JOB_MINUTES)).await?;
    let removed = move |tx: &mut crate::store::Tx<'_>| job_expiry::expire(tx, minutes, BATCH);
    while wiring.db.txn("expire jobs", removed).await? > 0 {}
    Ok(())
}
