//! How a host becomes known: the service's own key, the host's key, and the one time a password is used.

use super::{KEY, Login, common_options, run::finish, words::explain};
use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use std::{io, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use tokio::{io::AsyncReadExt, net::TcpStream, process::Command, time::timeout};

/// The longest each step of addHost may take.
const LIMIT: Duration = Duration::from_secs(9);
/// How long a host may take to take a connection, and then to say that it is an sshd.
const KNOCK: Duration = Duration::from_secs(4);
/// Kinds of host keys, best first.
const KINDS: [&str; 3] = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];

/// A host's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// `ssh-ed25519`, ..
    pub algorithm: String,
    /// The key in base64.
    pub key: String,
}

impl HostKey {
    /// Reads `algorithm key`, with or without a host name in front.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| KINDS.contains(word))?;
        let (algorithm, key) = (words[at], *words.get(at + 1)?);
        let plain = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        let fits = key.chars().all(plain) && key.len() > 40;
        fits.then(|| Self { algorithm: algorithm.to_owned(), key: key.to_owned() })
    }

    /// As the store keeps it.
    pub fn line(&self) -> String {
        format!("{} {}", self.algorithm, self.key)
    }

    /// `SHA256:..`, as OpenSSH shows it.
    pub fn fingerprint(&self) -> String {
        let padded = base64::engine::general_purpose::STANDARD.decode(&self.key);
        let digest = Sha256::digest(padded.unwrap_or_default());
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest))
    }
}

/// Makes the service's key pair in this directory if there is none; returns the public line for `authorized_keys`.
/// Several servers may share the directory and call this at once.
///
/// # Errors
/// `Internal` when the directory cannot be written or ssh-keygen is missing.
pub async fn ensure_key(directory: &Path) -> Result<String> {
    let failed = |what: &str, error: io::Error| {
        Error::internal(format!("{what} in {}: {error}", directory.display()))
    };
    let public = directory.join(KEY).with_extension("pub");
    if !public.exists() {
        std::fs::create_dir_all(directory).map_err(|error| failed("cannot make keys", error))?;
        let closed = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory, closed).map_err(|e| failed("cannot close", e))?;
        let fresh = directory.join(format!(".new-{}", uuid::Uuid::new_v4().simple()));
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "csgpu", "-f"]).arg(&fresh);
        let done = finish(command, &[], LIMIT).await.map_err(Error::internal)?;
        if done.0 != Some(0) {
            return Err(Error::internal(format!("ssh-keygen failed: {}", done.2)));
        }
        // the private half decides who was first: its link fails for the second
        let won = std::fs::hard_link(&fresh, directory.join(KEY)).is_ok();
        let fresh_public = fresh.with_extension("pub");
        if won {
            std::fs::rename(&fresh_public, &public)
                .map_err(|e| failed("cannot name the key", e))?;
        }
        let _ = std::fs::remove_file(&fresh);
        let _ = std::fs::remove_file(&fresh_public);
    }
    derive_public(directory).await
}

/// The public half, from the private one: right also while another server is still writing its file.
async fn derive_public(directory: &Path) -> Result<String> {
    let mut command = Command::new("ssh-keygen");
    command.arg("-y").arg("-f").arg(directory.join(KEY));
    let (code, output, complaint) = finish(command, &[], LIMIT).await.map_err(Error::internal)?;
    if code != Some(0) {
        return Err(Error::internal(format!("cannot read the service's ssh key: {complaint}")));
    }
    let line = String::from_utf8_lossy(&output).trim().to_owned();
    Ok(if line.ends_with(" csgpu") { line } else { format!("{line} csgpu") })
}

/// Asks the host for its public keys and takes the best.
///
/// # Errors
/// `Unavailable` says why there is none, in the words of addHost.
pub async fn scan_and_pin(login: &Login) -> Result<HostKey> {
    if let Err(why) = knock(login).await {
        return Err(Error::Unavailable(why));
    }
    // nearly every host has the best kind; each further kind costs one more connection
    let mut complaint = String::new();
    for kinds in ["ed25519", "ecdsa,rsa"] {
        let (keys, printed) = scan(login, kinds).await?;
        let best = KINDS.iter().find_map(|kind| keys.iter().find(|key| key.algorithm == *kind));
        if let Some(best) = best {
            return Ok(best.clone());
        }
        complaint = printed;
    }
    let silent = complaint.trim().is_empty();
    Err(Error::Unavailable(explain(login, if silent { "timed out" } else { &complaint })))
}

/// The host's keys of these kinds, and what ssh-keyscan complained of.
async fn scan(login: &Login, kinds: &str) -> Result<(Vec<HostKey>, String)> {
    let mut command = Command::new("ssh-keyscan");
    command.args(["-T", "5", "-p", &login.port.to_string(), "-t", kinds, "--"]).arg(&login.host);
    let (_, output, complaint) = finish(command, &[], LIMIT)
        .await
        .map_err(|why| Error::Unavailable(format!("{}:{}: {why}", login.host, login.port)))?;
    let output = String::from_utf8_lossy(&output);
    Ok((output.lines().filter_map(HostKey::parse).collect(), complaint))
}

/// Whether an sshd answers at all. ssh-keyscan keeps to itself what it met; this says it.
async fn knock(login: &Login) -> std::result::Result<(), String> {
    let place = format!("{}:{}", login.host, login.port);
    let silent = || format!("no answer from {place}: it is off, or a firewall is in between");
    let door = (login.host.as_str(), login.port);
    let mut stream = match timeout(KNOCK, TcpStream::connect(door)).await {
        Err(_) => return Err(silent()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Err(explain(login, "Connection refused"));
        }
        // a name that cannot be resolved has no code of the system
        Ok(Err(error)) if error.raw_os_error().is_none() => {
            return Err(explain(login, "Could not resolve hostname"));
        }
        Ok(Err(error)) => return Err(format!("no way to {place}: {error}")),
        Ok(Ok(stream)) => stream,
    };
    let mut greeting = [0; 4];
    match timeout(KNOCK, stream.read_exact(&mut greeting)).await {
        Err(_) => Err(format!(
            "{place} takes the connection but says nothing: it hangs, or no sshd is behind it"
        )),
        Ok(Err(_)) => Err(format!(
            "{place} closed the connection at once: it takes no more logins now, or not from here"
        )),
        Ok(Ok(_)) if greeting != *b"SSH-" => Err(format!("what listens at {place} is no sshd")),
        Ok(Ok(_)) => Ok(()),
    }
}

/// Appends the service's public key to the user's `authorized_keys`, logging in with a password once. The password is
/// in the environment of our own ssh child for the length of the call, never in an argument or a file.
///
/// # Errors
/// `Unavailable` says why not: wrong password, changed host key, unreachable.
pub async fn install_key(
    login: &Login,
    host_key: &HostKey,
    password: &str,
    public_line: &str,
    directory: &Path,
) -> Result<()> {
    let scratch = directory.join(format!(".enrol-{}", uuid::Uuid::new_v4().simple()));
    let result = install(login, host_key, password, public_line, &scratch).await;
    let _ = std::fs::remove_dir_all(&scratch);
    result
}

async fn install(
    login: &Login,
    host_key: &HostKey,
    password: &str,
    public_line: &str,
    scratch: &Path,
) -> Result<()> {
    let (known, ask) = (scratch.join("known_hosts"), scratch.join("ask"));
    let prepare = || -> io::Result<()> {
        std::fs::create_dir_all(scratch)?;
        std::fs::write(&known, format!("csgpu-enrol {}\n", host_key.line()))?;
        std::fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$CSGPU_ASKED\"\n")?;
        std::fs::set_permissions(&ask, std::fs::Permissions::from_mode(0o700))
    };
    prepare().map_err(|error| Error::internal(format!("{}: {error}", scratch.display())))?;
    let mut command = Command::new("ssh");
    command
        .args(common_options())
        .args(["-oStrictHostKeyChecking=yes", "-oHostKeyAlias=csgpu-enrol"])
        .arg(format!("-oUserKnownHostsFile=\"{}\"", known.display()))
        .args(["-oPreferredAuthentications=password,keyboard-interactive"])
        .args(["-oPubkeyAuthentication=no", "-oNumberOfPasswordPrompts=1", "-T"])
        .args(["-p", &login.port.to_string(), "-l", &login.user, "--"])
        .arg(&login.host)
        .arg(APPEND)
        .env("SSH_ASKPASS", &ask)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("CSGPU_ASKED", password);
    let input = format!("{public_line}\n");
    let done = finish(command, input.as_bytes(), LIMIT).await;
    let (code, _, complaint) = done.map_err(Error::Unavailable)?;
    match code {
        Some(0) => Ok(()),
        _ if complaint.contains("Permission denied") => Err(Error::Unavailable(format!(
            "{}:{} does not accept this password for user {}",
            login.host, login.port, login.user
        ))),
        _ => Err(Error::Unavailable(explain(login, &complaint))),
    }
}

/// Adds the line on standard input to `authorized_keys`, once.
const APPEND: &str = "umask 077 && mkdir -p ~/.ssh && IFS= read -r line && \
    touch ~/.ssh/authorized_keys && { grep -qxF -e \"$line\" ~/.ssh/authorized_keys || \
    printf '\\n%s\\n' \"$line\" >>~/.ssh/authorized_keys; }";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_is_read_with_and_without_a_name() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIJN0rtvhDeThKVtPy38fVVyYO3ZxHYeOSW6EXKJ7Srh4";
        for line in [format!("ssh-ed25519 {key}"), format!("[h]:22 ssh-ed25519 {key} note")] {
            let read = HostKey::parse(&line).unwrap();
            assert_eq!(read.line(), format!("ssh-ed25519 {key}"));
            assert!(read.fingerprint().starts_with("SHA256:"));
        }
        assert!(HostKey::parse("ssh-ed25519 AAAA\nx").is_none());
    }
}
