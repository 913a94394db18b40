//! Hosts: the machines that instances run on.

mod add;
mod cancel_maintenance;
mod delete;
mod drain_gpus;
mod draining;
mod list;
mod maintenance;
mod reconnect;
mod target;
mod undrain_gpus;
mod update;
pub mod view;

use crate::command::{Entry, asynchronous, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<add::AddHost>(),
    immediate::<cancel_maintenance::CancelHostMaintenance>(),
    sync::<delete::DeleteHost>(),
    sync::<drain_gpus::DrainHostGpus>(),
    sync::<list::ListHosts>(),
    immediate::<maintenance::PrepareHostForMaintenance>(),
    asynchronous::<reconnect::ReconnectHost>(),
    sync::<undrain_gpus::UndrainHostGpus>(),
    sync::<update::UpdateHost>(),
];
