//! GPU devices: what is plugged in, and who holds it.
//!
//! Three things about a device never mix: whether the administrator lets the cloud have it (`managedstate`), whether it
//! can be trusted (`health`), and who holds it (`allocationstate`). Clients read a fourth, `state`, made of these.

mod create;
mod delete;
mod disable;
mod discover;
mod drain;
mod enable;
mod history;
pub mod history_view;
mod import;
mod list;
mod manage;
mod reset;
mod undrain;
mod unmanage;
mod update;
pub mod view;
mod words;

use crate::command::{Entry, asynchronous, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateGpuDevice>(),
    sync::<delete::DeleteGpuDevice>(),
    sync::<disable::DisableGpuDevice>(),
    sync::<discover::DiscoverGpuDevices>(),
    sync::<drain::DrainGpuDevice>(),
    sync::<enable::EnableGpuDevice>(),
    sync::<import::ImportGpuDevices>(),
    sync::<list::ListGpuDevices>(),
    sync::<history::ListGpuDeviceHistory>(),
    sync::<manage::ManageGpuDevice>(),
    asynchronous::<reset::ResetGpuDevice>(),
    sync::<undrain::UndrainGpuDevice>(),
    sync::<unmanage::UnmanageGpuDevice>(),
    sync::<update::UpdateGpuDevice>(),
];
