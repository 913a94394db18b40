//! Disk offerings: sizes of data disks.

mod create;
mod delete;
mod list;
mod not_here;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateDiskOffering>(),
    sync::<delete::DeleteDiskOffering>(),
    sync::<list::ListDiskOfferings>(),
];
