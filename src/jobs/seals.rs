//! Seals the history of GPUs: each step of an allocation becomes an entry a moment after it happened. Any server does it for all;
//! what a server that died has not sealed, another one does.

use crate::{
    command::Wiring,
    error::Result,
    store::{Db, gpu_history},
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

/// The time between two looks for what is to be sealed. A look reads what is due alone.
const ROUND: Duration = Duration::from_secs(2);

/// Seals until it is aborted.
pub(super) fn start(wiring: Arc<Wiring>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(ROUND).await;
            if let Err(error) = seal_all(&wiring.db).await {
                tracing::warn!(%error, "the history of GPUs is not sealed");
            }
        }
    })
}

/// Seals everything there is.
pub async fn seal_all(db: &Db) -> Result<()> {
    while db.txn("seal", gpu_history::seal).await? > 0 {}
    Ok(())
}
