//! SSH key pairs: public keys that instances let in. A private key is made here only to be given away at once.

mod create;
mod delete;
mod key;
mod list;
mod register;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<create::CreateSshKeyPair>(),
    sync::<delete::DeleteSshKeyPair>(),
    sync::<list::ListSshKeyPairs>(),
    sync::<register::RegisterSshKeyPair>(),
];
