//! Drift: where hosts and books disagree about GPUs. Each look at a host notes it; nothing is put right by itself, and what
//! is noted goes when they agree again.

mod accept;
mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<accept::AcceptGpuDrift>(), sync::<list::ListGpuDrift>()];
