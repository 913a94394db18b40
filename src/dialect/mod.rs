//! CloudStack on the wire: parameters in, signatures, answers out, without knowing one command.
//!
//! Everything here is a function of its arguments: no IO and no clock, so that the recordings of a real server can be
//! held against it byte for byte. The facts come from those recordings.

mod door;
pub mod envelope;
pub mod expires;
pub mod intake;
pub mod pipeline;
pub mod signature;
pub mod visit;
pub mod xml;
