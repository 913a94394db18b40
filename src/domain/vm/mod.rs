//! Instances: their states, how they change, and what they ask of GPUs.

pub mod demand;
pub mod state;

pub use demand::{Choice, GpuDemand, first_choice};
pub use state::{VmEvent, VmState};
