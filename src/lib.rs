//! csgpu: the library behind the one binary.
pub mod error;
