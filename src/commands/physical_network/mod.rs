//! Physical networks: what carries the guests' networks between hosts, and by which bridge of the hosts.

mod add_traffic;
mod create;
mod delete;
mod delete_traffic;
mod list;
mod list_traffic;
mod update;
mod update_traffic;
pub mod view;

use crate::command::{Entry, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    immediate::<add_traffic::AddTrafficType>(),
    immediate::<create::CreatePhysicalNetwork>(),
    immediate::<delete::DeletePhysicalNetwork>(),
    immediate::<delete_traffic::DeleteTrafficType>(),
    sync::<list::ListPhysicalNetworks>(),
    sync::<list_traffic::ListTrafficTypes>(),
    immediate::<update::UpdatePhysicalNetwork>(),
    immediate::<update_traffic::UpdateTrafficType>(),
];
