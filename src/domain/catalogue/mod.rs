//! What is known about GPU cards before a host shows one: names, memory and how they can be cut.
//!
//! The facts are two text files in the program. They seed the store at the first start and name what discovery finds;
//! a card that is not in them is named by what libvirt read, and its memory stays unknown until an admin sets it.

mod cards;
mod mig;
mod vgpu_name;

pub use cards::{Card, card, cards};
pub use mig::{MigProfile, Slice, mig_profile, mig_profiles};
pub use vgpu_name::{VgpuName, read_vgpu_name};
