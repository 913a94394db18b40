//! Capacity: how much there is of everything and how much is in use.

mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<list::ListCapacity>()];
