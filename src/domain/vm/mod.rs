//! Instances: their states and how they change.
pub mod state;
pub use state::{VmEvent, VmState};
