//! Which commands exist: one room per noun, one file per command.

use crate::command::Entry;

pub mod account;
pub mod api;
pub mod capacity;
pub mod cluster;
pub mod domain;
pub mod gpu_card;
pub mod host;
pub mod job;
pub mod pod;
pub mod role;
pub mod service_offering;
pub mod ssh_key_pair;
pub mod user;
pub mod volume;
pub mod zone;

/// All rooms.
pub const ROOMS: &[&[Entry]] = &[
    account::COMMANDS,
    api::COMMANDS,
    cluster::COMMANDS,
    domain::COMMANDS,
    gpu_card::COMMANDS,
    host::COMMANDS,
    job::COMMANDS,
    pod::COMMANDS,
    role::COMMANDS,
    service_offering::COMMANDS,
    ssh_key_pair::COMMANDS,
    user::COMMANDS,
    volume::COMMANDS,
    zone::COMMANDS,
];
