//! What a host owes because it was away when something had to be put back.

use super::worker::context_of;
use crate::{
    command::{AsyncOps, Wiring},
    domain::{Id, id},
    error::{Error, Result},
    store::{self, job::Held, job::Outcome},
};
use std::sync::Arc;

/// Ends a job whose undoing failed: the clean-up becomes its host's debt, its devices stay held.
pub(super) async fn owe(
    wiring: &Wiring,
    job: &Held,
    ops: AsyncOps,
    why: (u16, String),
    error: &Error,
) -> Result<()> {
    tracing::error!(%error, source = ?std::error::Error::source(error), "could not put back what the job did");
    let host = (ops.host)(&job.plan);
    let (lease, reason) = (job.lease(wiring.server), error.to_string());
    let text = match host {
        Some(_) => format!("{} (clean-up waits: {reason})", why.1),
        None => format!("{} (clean-up failed: {reason})", why.1),
    };
    wiring
        .db
        .txn("host owes", move |tx| {
            let outcome = Outcome::Failed(why.0, text.clone());
            if store::job::finish(tx, &lease, &outcome)?
                && let Some(host) = host
            {
                store::debt::record(tx, host, lease.job, &reason)?;
            }
            Ok(())
        })
        .await
}

/// Undoes what a host owes, oldest first, as far as it lets us. Called when the host is reachable.
pub async fn pay_debts(wiring: &Arc<Wiring>, host: Id<id::Host>) -> Result<usize> {
    let debts = wiring.db.read(move |conn| store::debt::unpaid(conn, host)).await?;
    let mut paid = 0;
    for (debt, job) in debts {
        if let Some((cx, ops, plan)) = context_of(wiring, job).await? {
            (ops.undo)(cx, plan).await?;
        }
        wiring.db.txn("host paid", move |tx| store::debt::pay(tx, debt)).await?;
        paid += 1;
    }
    Ok(paid)
}
