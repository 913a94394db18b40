//! What the world consists of: nouns, states and choices. Pure: no IO, no async, no clock.

#[macro_use]
mod text_enum;
pub mod access;
pub mod affinity;
pub mod alert;
pub mod catalogue;
pub mod checksum;
pub mod entity_type;
pub mod gpu;
pub mod id;
pub mod identity;
pub mod infra;
pub mod job;
pub mod machine;
pub mod net;
pub mod object_type;
pub mod placement;
pub mod resource;
pub mod setting;
pub mod vm;

pub use entity_type::EntityType;
pub use id::{Entity, Id, Kind};
pub use object_type::ObjectType;

/// A moment in UTC, to the microsecond, as the database's clock gave it.
pub type Time = chrono::NaiveDateTime;
