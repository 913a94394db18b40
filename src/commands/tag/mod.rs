//! Tags: keys and values that users write on their things, find them by, and sort their bills by.
//!
//! They are written on things of several nouns; whoever may change a thing may tag it. A thing takes its tags with it when it
//! goes.

mod create;
mod delete;
mod list;
pub mod view;

use crate::command::{Entry, simple, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] =
    &[simple::<create::CreateTags>(), simple::<delete::DeleteTags>(), sync::<list::ListTags>()];
