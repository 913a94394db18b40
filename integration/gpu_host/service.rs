//! The real program as a child process, on a database of its own: what is killed here is what is killed in production.

use crate::world::{
    Client,
    server::{FreshDatabase, fresh_database},
};
use csgpu::{
    command::secret,
    store::{self, Db, migrate, seed},
};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server is noticed to be gone after so many seconds.
pub const LEASE: u64 = 5;

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
        let keys = secret::key_pair().expect("randomness");
        let db = Db::open(&database.url, 2);
        let (api_key, secret_key) = keys.clone();
        db.txn("seed", move |tx| {
            seed::identity(tx, "!")?;
            store::user::set_keys(tx, seed::ADMIN_USER, &api_key, &secret_key)?;
            Ok(())
        })
        .await
        .expect("a seeded database");
        let admin = Client::new(SocketAddr::from(([127, 0, 0, 1], 1)), "", "");
        let mut service = Self { admin, keys, child: None, dir, database };
        service.go().await;
        service
    }

    /// Starts the program, after [`Self::kill`] again.
    pub async fn go(&mut self) {
        let log = self.dir.join("log");
        let before = fs::metadata(&log).map_or(0, |file| file.len());
        let file = fs::File::options().append(true).create(true).open(&log).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_csgpu"))
            .arg("serve")
            .env("CSGPU_LISTEN", "127.0.0.1:0")
            .env("CSGPU_DATA", &self.dir)
            .env("CSGPU_DATABASE_URL", &self.database.url)
            .env("CSGPU_HOSTS_RECONCILE_SECONDS", "3")
            .env("CSGPU_JOBS_LEASE_SECONDS", LEASE.to_string())
            .env("CSGPU_LOG_LEVEL", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn();
        self.child = Some(child.expect("the program starts"));
        let end = Instant::now() + Duration::from_secs(30);
        let address = loop {
            let text = fs::read_to_string(&log).expect("a log");
            let text = &text[usize::try_from(before).expect("a short log")..];
            if let Some(address) = listening(text) {
                break address;
            }
            let gone = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            assert!(!gone && Instant::now() < end, "the service does not start:\n{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        self.admin = Client::new(address, &self.keys.0, &self.keys.1);
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
        }
    }

    /// The column called `text` of a query on the database.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let mut conn = migrate::connect(&self.database.url).expect("the database answers");
        let rows = sql_query(query).load::<Row>(&mut conn);
        rows.expect("a query that works").into_iter().map(|row| row.text).collect()
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

/// The address in the line that says "ready".
fn listening(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("ready"))?;
    let from = line.find("127.0.0.1:")?;
    let address = line[from..].split(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').next();
    address?.parse().ok()
}
