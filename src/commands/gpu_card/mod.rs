//! GPU cards: the hardware models that devices are of.

mod create;
mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<create::CreateGpuCard>(), sync::<list::ListGpuCards>()];
