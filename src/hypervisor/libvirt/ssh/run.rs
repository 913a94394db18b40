//! One command on a host over ssh: fixed words only, with a limit.

use super::{Ssh, login::plain, words::explain};
use crate::error::{Error, Result};
use std::{process::Stdio, time::Duration};
use tokio::{io::AsyncWriteExt, process::Command};

/// What a command printed, and whether it succeeded.
pub(in crate::hypervisor::libvirt) struct Ran {
    pub(in crate::hypervisor::libvirt) success: bool,
    pub(in crate::hypervisor::libvirt) output: Vec<u8>,
}

/// Runs a program on the host. sshd hands the words to a shell, so only words without any meaning to a shell are let
/// through; input goes to the program's standard input.
///
/// # Errors
/// `Unreachable` when ssh itself failed (its status 255) or the limit passed.
pub(in crate::hypervisor::libvirt) async fn run(
    ssh: &Ssh,
    host: &str,
    words: &[&str],
    input: &[u8],
    limit: Duration,
) -> Result<Ran> {
    if !words.iter().all(|word| plain(word, "/._:,=+-")) {
        return Err(Error::internal(format!("not plain words: {words:?}")));
    }
    let mut command = Command::new("ssh");
    command
        .args(ssh.options())
        .args(["-T", "-p", &ssh.login.port.to_string(), "-l", &ssh.login.user, "--"])
        .arg(&ssh.login.host)
        .args(words);
    let away = |why: String| Error::Unreachable { host: host.to_owned(), why };
    let (code, output, complaint) = finish(command, input, limit).await.map_err(&away)?;
    match code {
        Some(255) | None => Err(away(explain(&ssh.login, &complaint))),
        code => Ok(Ran { success: code == Some(0), output }),
    }
}

/// Runs a local program to its end: exit code, output, complaints.
pub(super) async fn finish(
    mut command: Command,
    input: &[u8],
    limit: Duration,
) -> Result<(Option<i32>, Vec<u8>, String), String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let work = async {
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // a program that does not read is no error
            let _ = stdin.write_all(input).await;
        }
        child.wait_with_output().await
    };
    match tokio::time::timeout(limit, work).await {
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
        Ok(Err(error)) => Err(format!("cannot run ssh: {error}")),
        Ok(Ok(done)) => {
            let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
            Ok((done.status.code(), done.stdout, complaint))
        }
    }
}
