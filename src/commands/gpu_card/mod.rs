//! GPU cards: the hardware models that devices are of.

mod create;
mod delete;
mod list;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateGpuCard>(),
    sync::<delete::DeleteGpuCard>(),
    sync::<list::ListGpuCards>(),
    sync::<update::UpdateGpuCard>(),
];
