//! Whether a device that was given back is clean: first its host says so, then the operator's own program if there is one.
//!
//! The program is `release_hook` of `[gpus]`. It runs on this server, as this service's user, after the host's proof and
//! before anybody else gets the device, with five words: the device's bus address (of a slice its UUID), the name of the
//! host, the PCI vendor and device id in hex, and the id of the instance that had it (`-`: nobody of the books). No shell
//! reads them and nothing of this service's environment reaches it. A success means clean; anything else, also a program
//! that cannot be started, is a doubt with its last words as the reason. After a crash it may be run again for the same
//! release.

use super::Wiring;
use crate::{
    domain::{
        Id, id,
        machine::{DeviceRef, Proof},
    },
    error::Result,
    hypervisor::{ExpectedDevice, HostDriver},
    store::{Conn, vm},
};
use std::{
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

/// The operator's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseHook {
    /// Where it is.
    pub program: PathBuf,
    /// How long it may take.
    pub limit: Duration,
}

/// A device to be proven clean.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Where it is.
    pub host: Id<id::Host>,
    /// The device, for its host.
    pub reference: &'a DeviceRef,
    /// What it must show.
    pub expected: &'a ExpectedDevice,
    /// Who had it; `None`: nobody of the books.
    pub vm: Option<Id<id::Vm>>,
}

/// What the program may find.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How much of what it says is kept.
const TAIL: usize = 1024;
/// How long its last words are waited for when it has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Proves one device clean, or says why not. Error: nothing is known, the host did not answer.
pub async fn prove(
    wiring: &Wiring,
    driver: &dyn HostDriver,
    subject: Subject<'_>,
) -> Result<Proof> {
    let proof = driver.prove_clean(subject.reference, subject.expected).await?;
    let (Proof::Clean, Some(hook)) = (&proof, &wiring.settings.release_hook) else {
        return Ok(proof);
    };
    let host = subject.host;
    let host = wiring.db.read(move |conn: &mut Conn| vm::address(conn, host)).await?.name;
    Ok(match run(hook, &words(subject, host)).await {
        Ok(()) => Proof::Clean,
        Err(why) => Proof::Doubt(why),
    })
}

fn words(subject: Subject<'_>, host: String) -> [String; 5] {
    let address = match subject.reference {
        DeviceRef::Pci { address, .. } => address.to_string(),
        DeviceRef::Mdev { uuid, .. } => uuid.hyphenated().to_string(),
    };
    let ExpectedDevice { vendor_id, device_id, .. } = subject.expected;
    let vm = subject.vm.map_or_else(|| "-".to_owned(), |vm| vm.to_string());
    [address, host, format!("{vendor_id:04x}"), format!("{device_id:04x}"), vm]
}

/// Runs the program to its end. Error: why the device is not clean.
async fn run(hook: &ReleaseHook, words: &[String]) -> Result<(), String> {
    let mut child = Command::new(&hook.program)
        .args(words)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("the release hook cannot be started: {error}"))?;
    let (said, complained) = (Tail::default(), Tail::default());
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let ended = {
        let reading = async { tokio::join!(said.fill(output), complained.fill(errors)) };
        tokio::pin!(reading);
        let mut is_read = false;
        let ended = timeout(hook.limit, async {
            loop {
                tokio::select! {
                    status = child.wait() => return status,
                    _ = &mut reading, if !is_read => is_read = true,
                }
            }
        });
        let ended = ended.await;
        if !is_read {
            // what it leaves behind may hold its output open
            let _ = timeout(LAST_WORDS, reading).await;
        }
        ended
    };
    let how = match ended {
        Ok(Ok(status)) if status.success() => return Ok(()),
        Ok(status) => outcome(status),
        Err(_) => {
            end(&mut child).await;
            format!("the release hook did not end within {} s", hook.limit.as_secs_f32())
        }
    };
    let last = complained.last_line().or_else(|| said.last_line());
    Err(last.map_or_else(|| how.clone(), |last| format!("{how}: {last}")))
}

fn outcome(status: io::Result<ExitStatus>) -> String {
    match status.map(|status| status.code()) {
        Ok(Some(code)) => format!("the release hook ended with {code}"),
        Ok(None) => "the release hook was killed".to_owned(),
        Err(error) => format!("the release hook is lost: {error}"),
    }
}

/// Ends the program with all that it has started.
async fn end(child: &mut Child) {
    if let Some(pid) = child.id() {
        let group = format!("-{pid}");
        let _ = Command::new("kill").args(["-KILL", "--", &group]).output().await;
    }
    let _ = child.kill().await;
}

/// The end of what a program says.
#[derive(Default)]
struct Tail(Mutex<Vec<u8>>);

impl Tail {
    async fn fill(&self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = [0; TAIL];
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..count]);
            let surplus = kept.len().saturating_sub(TAIL);
            kept.drain(..surplus);
        }
    }

    fn last_line(&self) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        Some(last.chars().filter(|c| !c.is_control()).take(300).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _, time::Instant};

    fn hook(name: &str, text: &str, limit: u64) -> ReleaseHook {
        let folder = std::env::temp_dir().join(format!("csgpu-hook-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("hook");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        ReleaseHook { program, limit: Duration::from_millis(limit) }
    }

    async fn outcome(name: &str, text: &str) -> Result<(), String> {
        let hook = hook(name, text, 20_000);
        let words = ["0000:3b:00.0", "h 1; exit 9", "10de", "20b2", "-"].map(str::to_owned);
        // another test of this process may be forking while the file is still open for writing in its child
        for _ in 0..20 {
            match run(&hook, &words).await {
                Err(why) if why.contains("busy") => tokio::time::sleep(LAST_WORDS).await,
                done => return done,
            }
        }
        panic!("the file stays busy")
    }

    #[tokio::test]
    async fn it_gets_five_words_and_nothing_of_our_environment() {
        let text = "#!/bin/sh\n[ $# = 5 ] && [ \"$2\" = 'h 1; exit 9' ] && [ \"$3$4$5\" = 10de20b2- ] || exit 4\n\
            [ -z \"$CARGO_MANIFEST_DIR\" ] && [ -z \"$HOME\" ]";
        assert_eq!(outcome("words", text).await, Ok(()));
    }

    #[tokio::test]
    async fn its_last_words_are_the_reason() {
        let text =
            "#!/bin/sh\necho fine so far\nprintf 'first\\n\\033[1mECC errors\\n\\n' >&2\nexit 3";
        let why = outcome("fails", text).await.unwrap_err();
        assert_eq!(why, "the release hook ended with 3: [1mECC errors");
        let why = outcome("says", "#!/bin/sh\necho no; exit 1").await.unwrap_err();
        assert_eq!(why, "the release hook ended with 1: no");
        let why = outcome("killed", "#!/bin/sh\nkill -9 $$").await.unwrap_err();
        assert_eq!(why, "the release hook was killed");
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_a_doubt() {
        let hook = ReleaseHook { program: "/nowhere/hook".into(), limit: LAST_WORDS };
        let why = run(&hook, &[]).await.unwrap_err();
        assert!(why.starts_with("the release hook cannot be started: "), "{why}");
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_all_it_started() {
        let hook = hook("hangs", "#!/bin/sh\necho waiting\nsleep 4711 &\nsleep 4711\n", 700);
        let begun = Instant::now();
        let mut why = run(&hook, &[]).await.unwrap_err();
        if why.contains("busy") {
            tokio::time::sleep(LAST_WORDS).await;
            why = run(&hook, &[]).await.unwrap_err();
        }
        assert_eq!(why, "the release hook did not end within 0.7 s: waiting");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let mut left = String::new();
        for _ in 0..50 {
            let found = std::process::Command::new("pgrep").args(["-f", "^sleep 4711"]).output();
            left = String::from_utf8_lossy(&found.unwrap().stdout).into_owned();
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("left behind: {left}");
    }

    #[tokio::test]
    async fn one_that_leaves_a_daemon_behind_holds_nobody_up() {
        let begun = Instant::now();
        let text = "#!/bin/sh\nsleep 5 &\nexit 0";
        assert_eq!(outcome("daemon", text).await, Ok(()));
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}
