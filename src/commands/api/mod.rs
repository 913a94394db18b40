//! The service about itself: which commands there are, what it can do.

mod capabilities;
mod list;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] =
    &[sync::<capabilities::ListCapabilities>(), sync::<list::ListApis>()];
