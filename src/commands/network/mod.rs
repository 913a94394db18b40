//! Networks of instances.
//!
//! An isolated network is a NAT network of each host with a range of its own in its zone; networks of two hosts are
//! not joined. Shared and L2 networks are a bridge that the hosts have already, named by the guest traffic type of the
//! physical network.

mod create;
mod delete;
pub mod first;
mod list;
mod not_here;
mod range;
mod update;
pub mod view;

use crate::command::{Entry, asynchronous, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateNetwork>(),
    asynchronous::<delete::DeleteNetwork>(),
    sync::<list::ListNetworks>(),
    immediate::<update::UpdateNetwork>(),
];
