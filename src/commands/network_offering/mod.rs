//! Network offerings: which kinds of network there are.

mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<list::ListNetworkOfferings>()];
