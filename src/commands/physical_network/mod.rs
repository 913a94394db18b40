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

use crate::command::{Entry, asynchronous, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    asynchronous::<add_traffic::AddTrafficType>(),
    asynchronous::<create::CreatePhysicalNetwork>(),
    asynchronous::<delete::DeletePhysicalNetwork>(),
    asynchronous::<delete_traffic::DeleteTrafficType>(),
    sync::<list::ListPhysicalNetworks>(),
    sync::<list_traffic::ListTrafficTypes>(),
    asynchronous::<update::UpdatePhysicalNetwork>(),
    asynchronous::<update_traffic::UpdateTrafficType>(),
];
