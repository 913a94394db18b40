//! The ssh under a libvirt connection: a wrapper script that libvirt starts instead of `ssh`.
//!
//! The script writes its process id (it then *becomes* ssh, so this is the switch that ends a blocked call) and what ssh
//! complains of to files of its own. It holds paths and options of ours only.

use super::{super::raw, Ssh, words::explain};
use std::{io, os::unix::fs::PermissionsExt, path::PathBuf};

/// The ssh of one line.
pub(in crate::hypervisor::libvirt) struct Tunnel {
    ssh: Ssh,
    base: PathBuf,
}

impl Tunnel {
    /// Its files are named after the line, in the host's directory.
    pub(in crate::hypervisor::libvirt) fn new(ssh: Ssh, line: &str) -> Self {
        let base = ssh.directory.0.join(line);
        Self { ssh, base }
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.base.with_extension(ending)
    }

    /// Writes the script; returns the URI that makes libvirt use it.
    pub(in crate::hypervisor::libvirt) fn prepare(&self) -> Result<String, String> {
        let script = self.file("ssh");
        let write = || -> io::Result<()> {
            if let Some(directory) = self.base.parent() {
                std::fs::create_dir_all(directory)?;
            }
            for ending in ["pid", "err"] {
                match std::fs::remove_file(self.file(ending)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            // written aside and moved: a script that is still being run must not be written to
            let fresh = self.file("new");
            std::fs::write(&fresh, self.script())?;
            std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o700))?;
            std::fs::rename(&fresh, &script)
        };
        write().map_err(|error| format!("cannot write {}: {error}", script.display()))?;
        let login = &self.ssh.login;
        let mut uri = format!(
            "qemu+ssh://{}@{}:{}/system?no_tty=1&command={}",
            login.user,
            login.bracketed(),
            login.port,
            percent(&script.display().to_string())
        );
        if let Some(socket) = &login.socket {
            uri.push_str("&socket=");
            uri.push_str(&percent(socket));
        }
        Ok(uri)
    }

    fn script(&self) -> String {
        let path = |ending: &str| quoted(&self.file(ending).display().to_string());
        let options: Vec<String> = self.ssh.options().iter().map(|option| quoted(option)).collect();
        format!(
            "#!/bin/sh\necho $$ >{}\nexec ssh {} \"$@\" 2>{}\n",
            path("pid"),
            options.join(" "),
            path("err")
        )
    }

    /// Ends the ssh of this line, if one runs: libvirt has not reaped it while the connection object lives.
    pub(in crate::hypervisor::libvirt) fn kill(&self) {
        let pid = std::fs::read_to_string(self.file("pid")).ok();
        if let Some(pid) = pid.and_then(|text| text.trim().parse().ok()) {
            raw::kill(pid);
        }
    }

    /// Why the connection did not come up.
    pub(in crate::hypervisor::libvirt) fn words(&self, libvirt: &str) -> String {
        let printed = std::fs::read_to_string(self.file("err")).unwrap_or_default();
        explain(&self.ssh.login, &format!("{printed} {libvirt}"))
    }
}

/// In single quotes for sh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Escaped for a URI's query.
fn percent(text: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
            char::from(b).to_string()
        }
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}
