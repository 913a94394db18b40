//! csgpu.
fn main() {}
