//! Details of things of any noun: text by name, for programs. Instances, templates and offerings show theirs too, and some are
//! obeyed there; administrators write them here, also some that users do not see.

mod add;
mod list;
mod remove;
mod view;

use crate::command::{Entry, simple, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    simple::<add::AddResourceDetail>(),
    sync::<list::ListResourceDetails>(),
    simple::<remove::RemoveResourceDetail>(),
];
