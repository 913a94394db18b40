//! Hypervisors: what hosts can run.

mod list;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<list::ListHypervisors>()];
