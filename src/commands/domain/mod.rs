//! Domains: the tree of tenancy.

mod create;
mod delete;
mod list;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateDomain>(),
    crate::command::asynchronous::<delete::DeleteDomain>(),
    sync::<list::ListDomains>(),
    sync::<update::UpdateDomain>(),
];
