//! Which commands exist: one room per noun, one file per command.

use crate::command::Entry;

pub mod gpu_card;
pub mod job;
pub mod service_offering;

/// All rooms.
pub const ROOMS: &[&[Entry]] = &[gpu_card::COMMANDS, job::COMMANDS, service_offering::COMMANDS];
