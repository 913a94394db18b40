//! Removes jobs some time after their end (`job.expire.minutes`), so that the table stays as large as a day's work; and, where
//! that was asked for, events and alerts (`event.purge.delay`, `alert.purge.delay`).

use crate::{
    command::Wiring,
    domain::setting::{ALERT_DAYS, EVENT_DAYS, JOB_EXPIRY, JOB_MINUTES},
    error::Result,
    store::{Tx, expiry, setting},
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

/// How often is looked for such rows.
const ROUND: Duration = Duration::from_secs(300);
/// How many are removed in one transaction.
const BATCH: i64 = 500;

/// Removes until it is aborted. Several servers may do it at the same time.
pub(super) fn start(wiring: Arc<Wiring>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            if let Err(error) = expire(&wiring).await {
                tracing::warn!(%error, "cannot remove what ended long ago");
            }
            sleep(ROUND).await;
        }
    })
}

/// Removes all that ended long enough ago.
pub async fn expire(wiring: &Wiring) -> Result<()> {
    let (minutes, events, alerts) = wiring
        .db
        .read(|conn| {
            let minutes = setting::number(conn, JOB_EXPIRY, JOB_MINUTES)?;
            let events = setting::number(conn, EVENT_DAYS, 0)?;
            Ok((minutes, events, setting::number(conn, ALERT_DAYS, 0)?))
        })
        .await?;
    all(wiring, move |tx| expiry::jobs(tx, minutes, BATCH)).await?;
    if events > 0 {
        all(wiring, move |tx| expiry::events(tx, events, BATCH)).await?;
    }
    if alerts > 0 {
        all(wiring, move |tx| expiry::alerts(tx, alerts, BATCH)).await?;
    }
    Ok(())
}

/// Removes in batches until nothing is left to remove.
async fn all(
    wiring: &Wiring,
    remove: impl Fn(&mut Tx<'_>) -> Result<usize> + Copy + Send + 'static,
) -> Result<()> {
    while wiring.db.txn("expire", remove).await? > 0 {}
    Ok(())
}
