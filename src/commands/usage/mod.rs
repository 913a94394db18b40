//! Usage: what accounts used and for how long, from the ledger that every change writes.

mod generate;
mod list;
mod remove;
mod types;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<list::ListUsageRecords>(),
    sync::<types::ListUsageTypes>(),
    sync::<generate::GenerateUsageRecords>(),
    sync::<remove::RemoveRawUsageRecords>(),
];
