//! GPUs: addresses, states and rules; from what a host shows to what is written in the books.
//!
//! `inventory` reads a probe, `readiness` judges each device, `reconcile` compares with the books and says what to
//! write. The books decide who holds a device; an observation never does.

pub mod address;
pub mod books;
pub mod claim;
pub mod discovery;
pub mod drift;
pub mod fabric;
mod group;
pub mod inventory;
pub mod layout;
pub mod observed;
pub mod profile;
pub mod readiness;
pub mod reconcile;
pub mod rules;
#[cfg(test)]
mod samples;
pub mod state;
pub mod wire_state;

pub use address::PciAddress;
pub use books::{Facts, KnownAllocation, KnownDevice, KnownSlice};
pub use claim::Pick;
pub use fabric::Fabric;
pub use inventory::observe;
pub use observed::{CardFacts, Inventory, Observed, ProfileFacts, SliceType};
pub use reconcile::{Change, Diff, Drift, Patch, reconcile};
pub use state::{AllocationState, DeviceType, Health, ManagedState, ProfileKind};
pub use wire_state::{Condition, Counted, GpuCount, WireState, count, wire_state};
