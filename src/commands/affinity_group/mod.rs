//! Affinity groups: instances that shall share a host, or shall not. What a group means is decided when one of its
//! instances is placed, by a deploy or a start; a running instance is never moved for it.

mod create;
mod delete;
mod list;
mod list_types;
pub mod view;

use crate::command::{Entry, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    immediate::<create::CreateAffinityGroup>(),
    immediate::<delete::DeleteAffinityGroup>(),
    sync::<list::ListAffinityGroups>(),
    sync::<list_types::ListAffinityGroupTypes>(),
];
