//! The settings that commands depend on; `main` fills them from the configuration file.

use super::proof::ReleaseHook;
use crate::domain::{
    gpu::{fabric::Board, rules::Rules},
    placement::Mix,
};
use std::path::PathBuf;

/// What commands need to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where templates are kept.
    pub images: PathBuf,
    /// The directory below which `test:///` hosts may lie; `None`: no such hosts.
    pub test_hosts: Option<PathBuf>,
    /// The service's data directory (ssh key, scratch files).
    pub data: PathBuf,
    /// Whether stopping an instance gives its devices back (`gpu.detach.on.stop`).
    pub detach_on_stop: bool,
    /// Seconds a guest gets to shut down before it is destroyed.
    pub stop_seconds: u32,
    /// The names of the elements that may be added to definitions of instances.
    pub extra_config: Vec<String>,
    /// Whether a hook of the operator sees definitions, with the details of their instances.
    pub has_domain_hook: bool,
    /// Whether newly discovered devices are managed at once.
    pub manage_discovered: bool,
    /// Which PCI functions are GPUs, beyond their class.
    pub gpu_rules: Rules,
    /// The operator's word on devices that are given back.
    pub release_hook: Option<ReleaseHook>,
    /// Who is told about alerts.
    pub alert_webhook: Option<Webhook>,
    /// How long people stay logged in.
    pub sessions: Sessions,
    /// Which GPUs are wired to each other.
    pub boards: Vec<Board>,
    /// What instances are expected to ask for.
    pub demand_mix: Mix,
}

/// An address that is told about alerts. It may hold a password, so it is not printed.
#[derive(Clone)]
pub struct Webhook(String);

impl Webhook {
    /// A webhook at this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The rules of sessions.
#[derive(Debug, Clone, Copy)]
pub struct Sessions {
    /// A session that was not used for so many seconds is over.
    pub idle_seconds: u32,
    /// Whether browsers may send its cookies over TLS only.
    pub is_secure: bool,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle_seconds: 1800, is_secure: false }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            images: PathBuf::from("images"),
            test_hosts: None,
            data: PathBuf::from("data"),
            detach_on_stop: false,
            stop_seconds: 60,
            extra_config: Vec::new(),
            has_domain_hook: false,
            manage_discovered: true,
            gpu_rules: Rules::default(),
            release_hook: None,
            alert_webhook: None,
            sessions: Sessions::default(),
            boards: Vec::new(),
            demand_mix: Mix::default(),
        }
    }
}

impl Settings {
    /// The directory of the service's own ssh key pair.
    pub fn ssh_keys(&self) -> PathBuf {
        self.data.join("ssh")
    }
}
