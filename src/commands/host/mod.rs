//! Hosts: the machines that instances run on.

mod add;
mod cancel_maintenance;
mod delete;
mod list;
mod maintenance;
mod reconnect;
mod target;
mod update;
pub mod view;

use crate::command::{Entry, asynchronous, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<add::AddHost>(),
    asynchronous::<cancel_maintenance::CancelHostMaintenance>(),
    sync::<delete::DeleteHost>(),
    sync::<list::ListHosts>(),
    asynchronous::<maintenance::PrepareHostForMaintenance>(),
    asynchronous::<reconnect::ReconnectHost>(),
    sync::<update::UpdateHost>(),
];
