//! What an instance's life costs.

use super::report::Figure;

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    Vec::new()
}

/// What an admission costs.
pub fn admission(_runtime: &tokio::runtime::Runtime) -> Vec<Figure> {
    Vec::new()
}
