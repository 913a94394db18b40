//! Accounts: the owners of things.

mod create;
mod delete;
mod disable;
mod enable;
mod grant;
mod list;
mod lock;
mod update;
pub mod view;

use crate::command::{Entry, asynchronous, immediate, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateAccount>(),
    asynchronous::<delete::DeleteAccount>(),
    immediate::<disable::DisableAccount>(),
    sync::<enable::EnableAccount>(),
    sync::<list::ListAccounts>(),
    sync::<lock::LockAccount>(),
    sync::<update::UpdateAccount>(),
];
