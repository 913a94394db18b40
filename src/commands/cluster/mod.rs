//! Clusters: hosts of one kind.

mod add;
mod delete;
mod list;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<add::AddCluster>(),
    sync::<delete::DeleteCluster>(),
    sync::<list::ListClusters>(),
    sync::<update::UpdateCluster>(),
];
