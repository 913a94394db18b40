//! Pods: the pieces of a zone.

mod create;
mod delete;
mod list;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreatePod>(),
    sync::<delete::DeletePod>(),
    sync::<list::ListPods>(),
    sync::<update::UpdatePod>(),
];
