//! Image stores: directories of the management servers that hold templates.

mod add;
mod delete;
mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<add::AddImageStore>(),
    sync::<delete::DeleteImageStore>(),
    sync::<list::ListImageStores>(),
];
