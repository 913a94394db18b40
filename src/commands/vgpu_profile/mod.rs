//! vGPU profiles: the ways to consume a card, whole or in part.

mod create;
mod delete;
mod list;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateVgpuProfile>(),
    sync::<delete::DeleteVgpuProfile>(),
    sync::<list::ListVgpuProfiles>(),
    sync::<update::UpdateVgpuProfile>(),
];
