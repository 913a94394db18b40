//! Seals the history of GPUs: each step of an allocation becomes an entry a moment after it happened. Any server does it for all;
//! what a server that died has not sealed, another one does.

use crate::{
    command::Wiring,
    error::Result,
    store::{Db, gpu_history},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::sleep};

/// The least and the most time between two looks for what is to be sealed.
const ROUND: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// A look reads every allocation that is not over. The next one waits so many times as long as it took, so that in a large
/// cloud entries come some seconds later, and not the database to its limits.
const REST: u32 = 20;

/// Seals until it is aborted.
pub(super) fn start(wiring: Arc<Wiring>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut took = Duration::ZERO;
        loop {
            sleep((took * REST).clamp(ROUND.0, ROUND.1)).await;
            let begun = Instant::now();
            if let Err(error) = seal_all(&wiring.db).await {
                tracing::warn!(%error, "the history of GPUs is not sealed");
            }
            took = begun.elapsed();
        }
    })
}

/// Seals everything there is.
pub async fn seal_all(db: &Db) -> Result<()> {
    while db.txn("seal", gpu_history::seal).await? > 0 {}
    Ok(())
}
