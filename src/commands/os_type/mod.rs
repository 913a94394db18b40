//! Operating systems of templates, and their categories.

mod categories;
mod list;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] =
    &[sync::<categories::ListOsCategories>(), sync::<list::ListOsTypes>()];
