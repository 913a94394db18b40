//! Service offerings: how large an instance is, and which GPUs it gets.
//!
//! GPUs are asked for in one of three ways: a vGPU profile with a count, a GPU offering (an ordered list of
//! alternatives), or the two words `pciDevice` and `vgpuType` in the details, which is all that some clients know.

mod create;
mod delete;
mod list;
mod not_here;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateServiceOffering>(),
    sync::<delete::DeleteServiceOffering>(),
    sync::<list::ListServiceOfferings>(),
    sync::<update::UpdateServiceOffering>(),
];
