//! Long work: durable jobs under leases, so that a crash at any point is repaired by the next worker.
//!
//! A job is admitted in the request's transaction. A worker takes its lease in a short transaction, then works; a
//! heartbeat extends the leases of the jobs in a server's hands. A server that could not extend them in time stops working before
//! they run out. A lease that ran out is found by any worker: creating commands are undone, removing ones run again
//! ([`crate::command::AfterCrash`]). What cannot be undone because a host is away becomes the host's debt, paid when it
//! is back; until then its devices stay held.

mod alerts;
mod capacity;
mod debts;
mod expiry;
mod hands;
pub mod hosts;
mod images;
mod seals;
mod worker;

pub use capacity::check_capacity;
pub use debts::call_in;
pub use expiry::expire;
pub use seals::seal_all;
pub use worker::{Pace, Workers, start};
