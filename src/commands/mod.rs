//! Which commands exist: one room per noun, one file per command.

use crate::command::Entry;

pub mod account;
pub mod api;
pub mod domain;
pub mod gpu_card;
pub mod job;
pub mod role;
pub mod service_offering;
pub mod ssh_key_pair;
pub mod user;
pub mod volume;

/// All rooms.
pub const ROOMS: &[&[Entry]] = &[
    account::COMMANDS,
    api::COMMANDS,
    domain::COMMANDS,
    gpu_card::COMMANDS,
    job::COMMANDS,
    role::COMMANDS,
    service_offering::COMMANDS,
    ssh_key_pair::COMMANDS,
    user::COMMANDS,
    volume::COMMANDS,
];
