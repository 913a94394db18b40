//! The operator's hook: a program of this server that sees every definition before a host does, and may change it.
//!
//! It reads the definition, prints the one to use, and has a time limit. It is started without a shell, in an empty
//! environment, with the host's name and the instance's id as its words. What it must not change is checked afterwards:
//! whose machine it is, and which devices of the host it gets.

use super::xml;
use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};
use uuid::Uuid;

/// Where programs look for others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The most that is read of a definition.
const MOST: u64 = 1 << 20;
/// The most that is read of complaints.
const COMPLAINTS: u64 = 64 << 10;

/// The program and how long it may take.
#[derive(Debug, Clone)]
pub struct DomainHook {
    /// The program's path.
    pub program: PathBuf,
    /// How long it may take.
    pub limit: Duration,
}

impl DomainHook {
    /// The definition to use in place of this one. Error: why there is none.
    pub(super) async fn ask(&self, host: &str, id: Uuid, text: &str) -> Result<String, String> {
        let changed =
            self.run(host, id, text).await.map_err(|why| format!("the domain hook {why}"))?;
        xml::check_changed(text, &changed)
            .map_err(|why| format!("the definition of the domain hook is not taken: {why}"))?;
        Ok(changed)
    }

    async fn run(&self, host: &str, id: Uuid, text: &str) -> Result<String, String> {
        let mut child = Command::new(&self.program)
            .arg(host)
            .arg(id.to_string())
            .env_clear()
            .env("PATH", PATH)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot be started: {error}"))?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let whole = async {
            let tell = async move {
                if let Some(mut input) = input {
                    // whoever does not read it to the end may have its reasons
                    let _ = input.write_all(text.as_bytes()).await;
                }
            };
            let ((), said, complained) =
                tokio::join!(tell, all_of(output, MOST + 1), all_of(errors, COMPLAINTS));
            (said, complained, child.wait().await)
        };
        let ended = timeout(self.limit, whole).await;
        let Ok((said, complained, status)) = ended else {
            end(&mut child).await;
            return Err(format!("did not end within {} s", self.limit.as_secs_f32()));
        };
        let status = status.map_err(|error| format!("is lost: {error}"))?;
        if said.len() as u64 > MOST {
            return Err(format!("said more than {} KiB", MOST >> 10));
        }
        if !status.success() {
            return Err(format!("{}{}", how(status), last_words(&complained)));
        }
        String::from_utf8(said).map_err(|_| "said what is no UTF-8".to_owned())
    }
}

async fn all_of(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut read = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(most).read_to_end(&mut read).await;
    }
    read
}

fn how(status: ExitStatus) -> String {
    status.code().map_or_else(|| "was killed".to_owned(), |code| format!("ended with {code}"))
}

fn last_words(complained: &[u8]) -> String {
    let text = String::from_utf8_lossy(complained);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let last: String = last.chars().filter(|c| !c.is_control()).take(300).collect();
    if last.is_empty() { last } else { format!(": {last}") }
}

/// Ends the program with all that it has started.
async fn end(child: &mut Child) {
    if let Some(pid) = child.id() {
        let group = format!("-{pid}");
        let _ = Command::new("kill").args(["-KILL", "--", &group]).output().await;
    }
    let _ = child.kill().await;
}
