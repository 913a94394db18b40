//! Storage pools: where the disks of instances lie.

mod create;
mod delete;
mod list;
mod update;
mod url;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateStoragePool>(),
    sync::<delete::DeleteStoragePool>(),
    sync::<list::ListStoragePools>(),
    sync::<update::UpdateStoragePool>(),
];
