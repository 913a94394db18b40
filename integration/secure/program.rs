//! The service as it is run, with all that it says, and a webhook that listens.

use crate::world::Client;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// A running service; killed when dropped.
pub(super) struct Program {
    child: Child,
    data: PathBuf,
    said: Vec<String>,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    told: Arc<AtomicUsize>,
}

/// How it is started, and not yet is.
pub(super) fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csgpu"));
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("CSGPU_DATA", data).env("CSGPU_CONFIG", "/dev/null");
    command.env("CSGPU_LISTEN", "127.0.0.1:0").env("CSGPU_HOSTS_CONNECTOR", "fake");
    command
}

/// A directory of its own that does not exist.
pub(super) fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("csgpu-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

impl Program {
    /// Starts it with these settings; with a secret in the address of its webhook.
    pub(super) fn start(name: &str, settings: &[(&str, &str)], hook: Option<&str>) -> Self {
        let data = scratch(name);
        std::fs::create_dir_all(data.join("images")).expect("a directory");
        let mut command = command(&data);
        command.envs(settings.iter().copied());
        let told = Arc::new(AtomicUsize::new(0));
        if let Some(secret) = hook {
            let url = format!("http://hook:{secret}@{}/{secret}?key={secret}", listen(&told));
            command.env("CSGPU_ALERTS_WEBHOOK", url);
        }
        let mut child = command.spawn().expect("the program");
        let log = Arc::new(Mutex::new(String::new()));
        let (kept, mut lines) = (Arc::clone(&log), child.stderr.take().expect("its log"));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(count @ 1..) = lines.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push_str(&text);
            }
        });
        let out = BufReader::new(child.stdout.take().expect("its words"));
        let mut said: Vec<String> = Vec::new();
        for line in out.lines() {
            said.push(line.expect("text"));
            if said.last().is_some_and(|line| line.starts_with("ready: ")) {
                break;
            }
        }
        let program = Self { child, data, said, log, reader: Some(reader), told };
        assert!(
            program.word("ready:").is_some(),
            "it ended: {:?}\n{}",
            program.said,
            program.log()
        );
        program
    }

    /// What it said after this word.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.said.iter().find_map(|line| line.trim().strip_prefix(name)).map(str::trim)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        let url = self.word("ready:").expect("a URL");
        let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        address.expect("an address").parse().expect("an address")
    }

    /// Its first user.
    pub(super) fn admin(&self) -> Client {
        let key = |name| self.word(name).expect("told once");
        Client::new(self.address(), key("api key"), key("secret key"))
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its images are.
    pub(super) fn images(&self) -> PathBuf {
        self.data.join("images")
    }

    /// Where its database is.
    pub(super) fn database(&self) -> PathBuf {
        let mut below = std::fs::read_dir(&self.data).expect("its directory").flatten();
        let found = below.find(|entry| entry.path().join("db.sock").exists());
        found.expect("a private database").path()
    }

    /// What it logged so far.
    fn log(&self) -> String {
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Waits until the webhook was told something.
    pub(super) async fn seen_by_webhook(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.told.load(Ordering::Relaxed) < 2 {
            assert!(Instant::now() < end, "the webhook was not told");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop; all that it logged.
    pub(super) fn end(mut self) -> String {
        let id = self.pid().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        assert!(self.child.wait().expect("its end").success());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.log()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// A webhook that refuses the first alert it is told and takes the others.
fn listen(told: &Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let told = Arc::clone(told);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
            let mut buffer = [0; 4096];
            while matches!(stream.read(&mut buffer), Ok(1..)) {}
            let status = match told.fetch_add(1, Ordering::Relaxed) {
                0 => "500 No",
                _ => "200 OK",
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
    });
    address
}
