//! Jobs: what was admitted and how it ended.

mod list;
mod query;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] =
    &[sync::<list::ListAsyncJobs>(), sync::<query::QueryAsyncJobResult>()];
