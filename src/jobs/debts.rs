//! What a host owes because it was away when something had to be put back.

use crate::{
    command::{AsyncOps, Cx, Wiring},
    domain::{Id, id},
    error::{Error, Result},
    store::{self, job::Held, job::Outcome},
};

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

/// Calls in what a host owes, because it is reachable: workers undo it, each job under its lease, so that it is done by one
/// server at a time and by nobody while another job works on the same thing. How many jobs are due now.
///
/// # Errors
/// The database does not answer.
pub async fn call_in(wiring: &Wiring, host: Id<id::Host>) -> Result<usize> {
    let owed = wiring.db.read(move |conn| store::debt::unpaid(conn, host)).await?;
    if owed.is_empty() {
        return Ok(0);
    }
    let due = wiring.db.txn("host owes", move |tx| store::job::call_in(tx, &owed)).await?;
    wiring.nudge.jobs();
    Ok(due)
}

/// Undoes what the job left undone. What fails stays owed, until the host is next looked at.
pub(super) async fn pay(wiring: &Wiring, job: &Held, ops: AsyncOps, cx: Cx) -> Result<()> {
    let undone = (ops.undo)(cx, job.plan.clone()).await;
    if let Err(error) = &undone {
        tracing::warn!(%error, source = ?std::error::Error::source(error), "the host owes it still");
    }
    let (lease, is_paid) = (job.lease(wiring.server), undone.is_ok());
    wiring
        .db
        .txn("host pays", move |tx| {
            if store::job::rest(tx, &lease)? && is_paid {
                store::debt::pay(tx, lease.job)?;
            }
            Ok(())
        })
        .await
}
