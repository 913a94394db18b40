//! The database server of this test process, and a fresh database for whoever asks.
//!
//! The server is the one of `CSGPU_TEST_DATABASE_URL`, or a private one below `target/tmp`: its directory is kept for
//! the next run (starting takes a tenth of creating) and one is taken that no other process uses. A fresh database is
//! made by replaying all steps of the schema in one go, since migrating every time would take longer.

use csgpu::local_db::{Durability, LocalDb};
use csgpu::store::{Conn, migrate};
use diesel::{
    QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text,
};
use std::{io::ErrorKind, path::Path, sync::OnceLock};

/// A database of its own, with the current schema; gone when dropped.
pub struct FreshDatabase {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

/// What of the environment a test run may be told.
pub fn env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how a test run is told its options")]
    std::env::var(name).ok()
}

/// A database with the current schema and nothing else in it.
pub fn fresh_database() -> FreshDatabase {
    let server = server();
    let database = empty_database();
    let mut conn = admin();
    let text = format!("USE `{}`; {}", database.name, server.template);
    conn.batch_execute(&text).expect("the captured schema can be replayed");
    database
}

/// A database without any table.
pub fn empty_database() -> FreshDatabase {
    let name = name_of_our_own(&uuid::Uuid::new_v4().simple().to_string()[..12]);
    admin().batch_execute(&create(&name)).expect("databases can be created");
    FreshDatabase { url: (server().url)(&name), name }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        // and a user who may only read it, where there is one
        let text = format!("DROP DATABASE IF EXISTS `{0}`; DROP USER IF EXISTS '{0}'", self.name);
        if let Err(error) = admin().batch_execute(&text) {
            eprintln!("{} is left behind: {error}", self.name);
        }
    }
}

/// The running server.
struct Server {
    url: Box<dyn Fn(&str) -> String + Send + Sync>,
    template: String,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let url: Box<dyn Fn(&str) -> String + Send + Sync> = match env("CSGPU_TEST_DATABASE_URL") {
            Some(base) => Box::new(move |name| with_name(&base, name)),
            None => {
                let base = private();
                Box::new(move |name| with_name(&base, name))
            }
        };
        let mut conn = csgpu::store::migrate::connect(&url("mysql")).expect("a test server");
        sweep(&mut conn);
        Server { url, template: template() }
    })
}

/// A connection that may do everything.
pub fn admin() -> Conn {
    migrate::connect(&(server().url)("mysql")).expect("the test server answers")
}

/// Starts the private server; it is never dropped and ends with the process.
fn private() -> String {
    let db = start_in_a_free_directory(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let url = db.url("");
    std::mem::forget(db);
    url
}

fn start_in_a_free_directory(below: &Path) -> LocalDb {
    for slot in 0..64 {
        let dir = below.join(format!("db{slot}"));
        match LocalDb::start(&dir, Durability::None) {
            Ok(db) => return db,
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) if error.kind() == ErrorKind::NotFound => panic!("{error}"),
            Err(error) => {
                // a machine that crashed may have left anything: there is nothing in it to keep
                eprintln!("starting over in {}: {error}", dir.display());
                let _ = std::fs::remove_dir_all(&dir);
                return LocalDb::start(&dir, Durability::None).expect("a private database");
            }
        }
    }
    panic!("64 test runs at once")
}

fn name_of_our_own(what: &str) -> String {
    format!("t_{}_{what}", std::process::id())
}

fn create(name: &str) -> String {
    format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
}

/// The URL with another database's name.
pub fn with_name(url: &str, name: &str) -> String {
    let (rest, options) = url.split_at(url.find('?').unwrap_or(url.len()));
    let end = rest.rfind('/').expect("a URL has a path");
    format!("{}/{name}{options}", &rest[..end])
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

fn texts(conn: &mut Conn, query: &str) -> Vec<String> {
    let rows = sql_query(query).load::<Row>(conn).expect(query);
    rows.into_iter().map(|row| row.text).collect()
}

/// Drops what test processes that are no more have left.
fn sweep(conn: &mut Conn) {
    let query = "SELECT schema_name AS text FROM information_schema.schemata WHERE schema_name LIKE 't\\_%\\_%'";
    for name in texts(conn, query) {
        let pid = name.split('_').nth(1).and_then(|pid| pid.parse::<u32>().ok());
        let dead = pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        if dead || pid == Some(std::process::id()) {
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS `{name}`")).expect("a sweep");
        }
    }
}

/// The statements that a migration of an empty database runs, and its notes of what it ran.
fn template() -> String {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let steps = std::fs::read_dir(steps).expect("the steps of the schema");
    let steps = steps.map(|step| step.expect("a step").path().join("up.sql"));
    let mut steps: Vec<_> = steps.filter(|step| step.exists()).collect();
    steps.sort();
    let statements = steps.iter().map(std::fs::read_to_string);
    let mut text = statements.collect::<Result<String, _>>().expect("their statements");
    text.push_str(
        "\nCREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
    );
    for version in migrate::known().expect("the steps in this program") {
        text.push_str(&format!(
            ";INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"
        ));
    }
    text
}
