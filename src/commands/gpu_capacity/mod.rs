//! GPU capacity: how many instances of each shape still fit, zone by zone and profile by profile.

mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<list::ListGpuCapacity>()];
