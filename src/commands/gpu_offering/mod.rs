//! GPU offerings: what people may ask for, in words of cards and profiles, without naming a host.
//!
//! An offering is an ordered list of alternatives; the first that fits wins. CloudStack has none: there a service
//! offering names one profile, which is the same as an offering with one alternative.

mod create;
mod delete;
mod list;
mod update;
pub mod view;
mod words;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateGpuOffering>(),
    sync::<delete::DeleteGpuOffering>(),
    sync::<list::ListGpuOfferings>(),
    sync::<update::UpdateGpuOffering>(),
];
