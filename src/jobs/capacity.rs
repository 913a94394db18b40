//! Looks now and then whether clusters and zones are nearly used up, and alarms. Every server does; each alert is raised once.

use crate::{command::Wiring, error::Result, store::capacity_alert};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

/// How often is looked.
const ROUND: Duration = Duration::from_secs(60);

/// Looks until it is aborted.
pub(super) fn start(wiring: Arc<Wiring>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(ROUND).await;
            if let Err(error) = check_capacity(&wiring).await {
                tracing::warn!(%error, "cannot look how much capacity is left");
            }
        }
    })
}

/// Raises what is to be raised and ends what is over; writes nothing when nothing changed.
pub async fn check_capacity(wiring: &Wiring) -> Result<()> {
    let due = wiring.db.read(capacity_alert::due).await?;
    if due.is_empty() {
        return Ok(());
    }
    wiring.db.txn("capacity alerts", move |tx| capacity_alert::tell(tx, &due)).await
}
