//! What the service says about itself, on standard error.

use crate::config::Log;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Libraries that would log addresses with the secrets in them, whatever level is wanted.
const SILENT: &[&str] = &["ureq=warn", "ureq_proto=warn"];

/// Starts the log of this process. To be called once, from `main`.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| format!("level in [log] is not understood: {error}"))?;
    let silent = |filter: EnvFilter, directive: &str| match directive.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let filter = SILENT.iter().fold(filter, |filter, directive| silent(filter, directive));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if log.json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.with_ansi(false)).try_init()
    };
    started.map_err(|error| format!("the log could not be started: {error}"))
}
