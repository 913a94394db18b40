//! What tests stand on.

#[expect(dead_code, reason = "the tests of the rooms use the rest of it")]
pub mod client;
pub mod server;
