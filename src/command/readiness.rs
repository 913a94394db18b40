//! Can this server serve now: is the database there, and does it take changes?

use super::Kernel;
use crate::{
    error::{Error, Result},
    store,
};
use std::{fmt::Display, time::Duration};

/// How long the database may take for either.
const PATIENCE: Duration = Duration::from_secs(5);

impl Kernel {
    /// Fine, or the part that is not ready and why. A database whose disk is full, or that only reads, answers lists but is
    /// of no use: this server's own row is written.
    pub async fn ready(&self) -> Result<(), (&'static str, String)> {
        part("database", self.authenticate("")).await?;
        let server = self.wiring().server;
        let write = self.wiring().db.txn("ready", move |tx| store::server::heartbeat(tx, server));
        part("writing to the database", write).await
    }
}

async fn part<T>(
    name: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<(), (&'static str, String)> {
    let text = |why: &dyn Display| (name, why.to_string());
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(Error::Internal(why))) => {
            tracing::error!(why, name, "not ready");
            Err(text(&"an internal error, see the log"))
        }
        Ok(Err(why)) => Err(text(&why)),
        Err(_) => Err(text(&format!("no answer for {} seconds", PATIENCE.as_secs()))),
    }
}
