//! Accounts: the owners of things.

mod create;
mod delete;
mod list;
pub mod view;

use crate::command::{Entry, asynchronous, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateAccount>(),
    asynchronous::<delete::DeleteAccount>(),
    sync::<list::ListAccounts>(),
];
