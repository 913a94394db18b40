//! Zones: the largest pieces of the cloud.

mod create;
mod delete;
mod list;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateZone>(),
    sync::<delete::DeleteZone>(),
    sync::<list::ListZones>(),
    sync::<update::UpdateZone>(),
];
