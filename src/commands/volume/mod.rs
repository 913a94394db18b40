//! Volumes: the disks of instances.

mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<list::ListVolumes>()];
