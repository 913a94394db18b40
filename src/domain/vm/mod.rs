//! Instances: their states, how they change, and what they ask of GPUs.

pub mod demand;
pub mod state;

pub use demand::{Alternative, Demand, first_alternative};
pub use state::{VmEvent, VmState};
