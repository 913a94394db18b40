//! Annotations: comments on things, which the next administrator or user reads.
//!
//! The commands are root administrators' until a role allows them to others. Those write on their own things only, read what
//! is not for administrators alone, and remove what they wrote.

mod add;
mod list;
mod remove;
mod update;
pub mod view;

use crate::command::{Entry, sync};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<add::AddAnnotation>(),
    sync::<list::ListAnnotations>(),
    sync::<remove::RemoveAnnotation>(),
    sync::<update::UpdateAnnotationVisibility>(),
];
