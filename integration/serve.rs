//! The program as it is run: `csgpu serve` with its private database, from outside.

use crate::world::Client;
use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running program; killed when dropped.
struct Program {
    child: Child,
    /// What it said until it was ready.
    said: Vec<String>,
}

/// A data directory that is gone afterwards.
struct Data(PathBuf);

impl Data {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("csgpu-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csgpu"));
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("CSGPU_DATA", data).env("CSGPU_LISTEN", listen).env("CSGPU_CONFIG", "/dev/null");
    command
}

impl Program {
    fn start(data: &Path) -> Self {
        #[expect(
            clippy::zombie_processes,
            reason = "the one that is ready is waited for when it is stopped"
        )]
        let mut child = command(data, "127.0.0.1:0").spawn().expect("the program");
        let out = BufReader::new(child.stdout.take().expect("its words"));
        let mut said = Vec::new();
        for line in out.lines() {
            said.push(line.expect("text"));
            if said.last().is_some_and(|line| line.starts_with("ready: ")) {
                return Self { child, said };
            }
        }
        let mut log = String::new();
        let _ = child.stderr.take().expect("its log").read_to_string(&mut log);
        panic!("it ended before it was ready: {said:?}\n{log}");
    }

    /// What it said after this word.
    fn word(&self, name: &str) -> Option<&str> {
        self.said.iter().find_map(|line| line.trim().strip_prefix(name)).map(str::trim)
    }

    fn client(&self, keys: &(String, String)) -> Client {
        let url = self.word("ready:").expect("a URL");
        let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        Client::new(address.expect("an address").parse().expect("one"), &keys.0, &keys.1)
    }

    /// Asks it to stop, as Ctrl-C does; how long that took.
    fn stop(mut self) -> Duration {
        let begun = Instant::now();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        assert!(self.child.wait().expect("its end").success());
        begun.elapsed()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it when it must refuse; what it says.
fn refusal(data: &Path, listen: &str) -> String {
    let output = command(data, listen).output().expect("the program");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_tells_the_keys_once_and_they_work_ever_after() {
    let data = Data::new("first");
    let first = Program::start(&data.0);
    let text = |name| first.word(name).expect("told once").to_owned();
    let keys = (text("api key"), text("secret key"));
    assert!(text("password").len() >= 12);
    let users = first.client(&keys).ok("listUsers", &[]).await;
    assert_eq!(users["user"][0]["username"], "admin");
    assert!(first.stop() < Duration::from_secs(10));

    let second = Program::start(&data.0);
    assert_eq!(second.said.len(), 1, "{:?}", second.said);
    second.client(&keys).ok("listUsers", &[]).await;
    second.stop();
}

#[test]
fn a_directory_in_use_and_a_port_in_use_are_said_in_a_sentence() {
    let data = Data::new("used");
    let running = Program::start(&data.0);
    let text = refusal(&data.0, "127.0.0.1:0");
    assert!(text.contains("is in use by another csgpu"), "{text}");
    running.stop();

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("its address").to_string();
    let text = refusal(&data.0, &listen);
    assert!(text.contains(&format!("cannot listen at {listen}")), "{text}");
}

#[test]
fn a_first_start_that_cannot_listen_leaves_the_keys_to_the_next_one() {
    let data = Data::new("later");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    refusal(&data.0, &taken.local_addr().expect("its address").to_string());
    let next = Program::start(&data.0);
    assert!(next.word("secret key").is_some(), "{:?}", next.said);
    next.stop();
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csgpu"));
    let output = command.arg("config").env("CSGPU_DATABASE_URI", "x").output().expect("a run");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("CSGPU_DATABASE_URI"), "{text}");
}

#[test]
fn what_is_wrong_with_a_command_line_or_a_file_is_one_sentence() {
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csgpu"));
        let output = command.args(words).output().expect("a run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    };
    let (status, text) = run(&["serve", "--port", "80"]);
    assert!(status == Some(2) && text.starts_with("error: unexpected argument '--port'"), "{text}");
    assert_eq!(
        run(&["--config", "/nowhere/csgpu.toml", "config"]),
        (
            Some(1),
            "csgpu: /nowhere/csgpu.toml cannot be read: No such file or directory (os error 2)"
                .to_owned()
        )
    );
    let data = Data::new("file");
    let file = data.0.join("csgpu.toml");
    std::fs::write(&file, "[jobs]\nworker = 3\n").expect("a file");
    let name = file.to_str().expect("text");
    let (status, text) = run(&["--config", name, "serve"]);
    let start = format!("csgpu: {name}, line 2, worker: unknown field `worker`, expected");
    assert!(status == Some(1) && text.starts_with(&start) && !text.contains('\n'), "{text}");
}
