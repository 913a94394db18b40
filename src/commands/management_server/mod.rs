//! Management servers: the running copies of this service.

mod list;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<list::ListManagementServers>()];
