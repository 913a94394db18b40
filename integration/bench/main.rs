//! What csgpu costs: `scripts/bench start|api|life|placement|allocate|usage [--json]`. Bounded in count and time, on loopback only.
//!
//! Every figure stands beside a reference: another way to do the same in the same run, a running CloudStack 4.22 with its
//! simulator as it was seen on two cores, or the aim. The ratio is value / reference.

#![expect(unreachable_pub, reason = "a program has no outside")]
#![expect(clippy::expect_used, reason = "a bench that cannot be set up fails")]
#![expect(clippy::print_stdout, reason = "what it is for")]

mod allocate;
mod api;
mod cloud;
mod life;
mod load;
mod packing;
mod placement;
mod report;
mod start;
mod usage;
#[path = "../world/mod.rs"]
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    // cargo adds --bench
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let json = words.iter().any(|word| word == "--json");
    let names: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let figures = match names.as_slice() {
        ["start"] => start::run(),
        ["api"] => api::run(),
        ["life"] => life::run(),
        ["placement"] => placement::run(),
        ["allocate"] => allocate::run(),
        ["usage"] => usage::run(),
        _ => {
            eprintln!("usage: scripts/bench start|api|life|placement|allocate|usage [--json]");
            return ExitCode::from(2);
        }
    };
    report::print(&figures, json);
    ExitCode::SUCCESS
}
