//! The service's own ssh: its key, the pinned keys of its hosts, and nothing of the user's configuration.
//!
//! OpenSSH's client does the work. Nothing is read from `~/.ssh` or `/etc/ssh`, no agent is asked, no password is ever
//! prompted for, and a host is known by the key that was pinned when it was added, under an alias that is its id.

mod enrol;
mod login;
mod run;
mod tunnel;
mod words;

pub use enrol::{HostKey, ensure_key, install_key, scan_and_pin};
pub use login::Login;
pub(super) use run::{Ran, run};
pub(super) use tunnel::Tunnel;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name of the private key in the key directory.
const KEY: &str = "id_ed25519";

/// Everything ssh needs for one host.
#[derive(Debug, Clone)]
pub(super) struct Ssh {
    /// Who and where.
    pub(super) login: Login,
    /// The file that holds the host's pinned key.
    known_hosts: PathBuf,
    key: PathBuf,
    alias: String,
    directory: Arc<Scratch>,
}

/// A directory of files that are worth nothing once the host's last line is gone.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Ssh {
    /// Pins the host's key in a file of its own in `directory`, which is removed with the last clone.
    ///
    /// # Errors
    /// The pinned key is missing or no known_hosts line, or the file cannot be written.
    pub(super) fn new(
        login: Login,
        host_key: Option<&str>,
        alias: String,
        key_directory: &Path,
        directory: PathBuf,
    ) -> Result<Self, String> {
        let host_key = host_key.ok_or("its ssh host key is not known yet")?;
        let pinned = HostKey::parse(host_key).ok_or("its stored ssh host key cannot be read")?;
        let known_hosts = directory.join("known_hosts");
        let line = format!("{alias} {} {}\n", pinned.algorithm, pinned.key);
        let written =
            std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&known_hosts, line));
        written.map_err(|error| format!("cannot write {}: {error}", known_hosts.display()))?;
        let directory = Arc::new(Scratch(directory));
        Ok(Self { login, known_hosts, key: key_directory.join(KEY), alias, directory })
    }

    /// The options of every call.
    fn options(&self) -> Vec<String> {
        let mut options = common_options();
        options.extend([
            "-oBatchMode=yes".to_owned(),
            "-oStrictHostKeyChecking=yes".to_owned(),
            "-oPreferredAuthentications=publickey".to_owned(),
            format!("-oUserKnownHostsFile=\"{}\"", self.known_hosts.display()),
            format!("-oHostKeyAlias={}", self.alias),
            "-oIdentitiesOnly=yes".to_owned(),
            format!("-oIdentityFile=\"{}\"", self.key.display()),
        ]);
        options
    }
}

/// What holds for calls with and without a pinned key.
fn common_options() -> Vec<String> {
    let options = [
        "-Fnone",
        "-oConnectTimeout=5",
        "-oConnectionAttempts=1",
        "-oServerAliveInterval=5",
        "-oServerAliveCountMax=3",
        "-oGlobalKnownHostsFile=/dev/null",
        "-oUpdateHostKeys=no",
        "-oCheckHostIP=no",
        "-oIdentityAgent=none",
        "-oControlPath=none",
        "-oControlMaster=no",
        "-oForwardAgent=no",
        "-oForwardX11=no",
        "-oClearAllForwardings=yes",
        "-oPermitLocalCommand=no",
        "-oLogLevel=ERROR",
    ];
    options.map(str::to_owned).to_vec()
}
