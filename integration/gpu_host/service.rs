//! The real program as a child process, on a database of its own: what is killed here is what is killed in production.

use crate::world::{
    Client, invariants,
    server::{FreshDatabase, fresh_database},
};
use csgpu::store::migrate;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server is noticed to be gone after so many seconds.
const LEASE_SECONDS: &str = "5";

/// The operator's program: it writes down what it is told, and is not content as long as there is a file `bad`.
const RELEASE_HOOK: &str = r#"#!/bin/sh
cd "$(dirname "$0")" && echo "$@" >>told && [ ! -e bad ] || { echo 'row remap failed' >&2; exit 7; }
"#;

/// A service, its database and its directory; all gone when dropped.
pub struct Service {
    /// The administrator's client.
    pub admin: Client,
    keys: (String, String),
    child: Option<Child>,
    dir: PathBuf,
    database: FreshDatabase,
}

impl Service {
    /// A service with nothing in it but its administrator.
    pub async fn start() -> Self {
        let database = fresh_database();
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&database.name);
        fs::create_dir_all(&dir).expect("a directory");
        let hook = dir.join("release-hook");
        fs::write(&hook, RELEASE_HOOK).expect("a file");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a program");
        let admin = Client::new(SocketAddr::from(([127, 0, 0, 1], 1)), "", "");
        let mut service = Self { admin, keys: <_>::default(), child: None, dir, database };
        service.go().await;
        service
    }

    /// Starts the program, after [`Self::kill`] again.
    pub async fn go(&mut self) {
        let open = |name: &str| {
            let mut file = fs::File::options();
            file.append(true).create(true).open(self.dir.join(name)).expect("a file")
        };
        let _ = fs::remove_file(self.dir.join("said"));
        let child = Command::new(env!("CARGO_BIN_EXE_csgpu"))
            .arg("serve")
            .env("CSGPU_CONFIG", "/dev/null")
            .env("CSGPU_LISTEN", "127.0.0.1:0")
            .env("CSGPU_DATA", &self.dir)
            .env("CSGPU_DATABASE_URL", &self.database.url)
            .env("CSGPU_HOSTS_RECONCILE_SECONDS", "3")
            .env("CSGPU_GPUS_RELEASE_HOOK", self.dir.join("release-hook"))
            .env("CSGPU_JOBS_LEASE_SECONDS", LEASE_SECONDS)
            .stdin(Stdio::null())
            .stdout(open("said"))
            .stderr(open("log"))
            .spawn();
        self.child = Some(child.expect("the program starts"));
        let end = Instant::now() + Duration::from_secs(60);
        let said = loop {
            let said = fs::read_to_string(self.dir.join("said")).expect("what it said");
            if word(&said, "ready:").is_some() {
                break said;
            }
            let gone =
                self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            assert!(!gone && Instant::now() < end, "the service does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        if let (Some(key), Some(secret)) = (word(&said, "api key"), word(&said, "secret key")) {
            self.keys = (key, secret);
        }
        let url = word(&said, "ready:").expect("a URL");
        let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let address = address.expect("an address").parse().expect("an address");
        self.admin = Client::new(address, &self.keys.0, &self.keys.1);
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
        }
    }

    /// The operator's program finds every device that is given back in order, or none.
    pub fn operator_is_content(&self, is_content: bool) {
        let bad = self.dir.join("bad");
        let done = if is_content { fs::remove_file(bad) } else { fs::write(bad, "") };
        done.expect("a file");
    }

    /// What the operator's program was told since this was asked last, a line each.
    pub fn told(&self) -> Vec<String> {
        let told = self.dir.join("told");
        let text = fs::read_to_string(&told).unwrap_or_default();
        let _ = fs::remove_file(told);
        text.lines().map(str::to_owned).collect()
    }

    /// The column called `text` of a query on the database.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let mut conn = migrate::connect(&self.database.url).expect("the database answers");
        let rows = sql_query(query).load::<Row>(&mut conn);
        rows.expect("a query that works").into_iter().map(|row| row.text).collect()
    }

    /// The file of the key by which it logs in to its hosts.
    pub fn public_key(&self) -> PathBuf {
        self.dir.join("ssh/id_ed25519.pub")
    }

    /// The directory of its images.
    pub fn images(&self) -> PathBuf {
        let images = self.dir.join("images");
        fs::create_dir_all(&images).expect("a directory");
        images
    }

    /// What must hold at every moment.
    pub fn check(&self) {
        invariants::check(&self.database.url);
    }

    /// Waits until nothing is under way, then checks that nothing leaks.
    pub async fn settle(&self, seconds: u64) {
        invariants::settle(&self.database.url, Duration::from_secs(seconds)).await;
    }

    /// The end of the log, for whoever looks at a failure.
    fn log(&self) -> String {
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- the end of the service's log ----\n{}", self.log());
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// What stands in the program's words after these.
fn word(said: &str, name: &str) -> Option<String> {
    said.lines().find_map(|line| line.trim().strip_prefix(name)).map(|rest| rest.trim().to_owned())
}
