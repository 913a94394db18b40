//! What a host is asked for and what it answers, in our words: no libvirt, no XML.

mod facts;
pub mod names;
pub mod shape;
mod spec;
pub use facts::*;
pub use spec::*;

/// An amount of memory or storage, in bytes.
pub type Bytes = u64;
/// One mebibyte.
pub const MIB: Bytes = 1 << 20;
