//! Templates: what instances are made of.
//!
//! A template's file is fetched in the background (the `jobs` layer) and looked at before it may be used; `status` says
//! how far that is, or why it failed.

mod delete;
mod list;
mod register;
mod update;
pub mod view;
mod words;

use crate::command::{Entry, asynchronous, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    asynchronous::<delete::DeleteTemplate>(),
    sync::<list::ListTemplates>(),
    sync::<register::RegisterTemplate>(),
    sync::<update::UpdateTemplate>(),
];
