//! GPUs: addresses, states and rules.
pub mod address;
pub mod state;
pub use address::PciAddress;
pub use state::{AllocationState, DeviceType, Health, ManagedState, ProfileKind};
