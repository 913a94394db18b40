//! Brings a database to the schema this binary was built with, or says in one sentence why that cannot be.
//!
//! Several servers may start at the same time: one migrates, under a lock of the database server, and the others wait.
//! On a cluster whose nodes do not share such locks the later one stumbles over a table that the earlier one has just
//! created; it then waits until the schema is complete.

use super::{
    neighbours,
    pool::{Conn, open},
};
use crate::error::{Error, Result};
use diesel::{
    ConnectionError, QueryableByName, RunQueryDsl, connection::SimpleConnection, mysql::Mysql,
    sql_query,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{
    collections::BTreeSet,
    sync::mpsc,
    time::{Duration, Instant},
};

/// The migrations, in the binary.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
/// How long a start waits for another one's migration.
const PATIENCE: Duration = Duration::from_secs(300);

/// Opens the database, and either migrates it or only checks that it fits. Returns what was applied.
pub fn prepare(url: &str, may_migrate: bool) -> Result<Vec<String>> {
    let mut conn = connect(url)?;
    if may_migrate {
        return migrate(&mut conn);
    }
    check(&mut conn)?;
    Ok(Vec::new())
}

/// Opens a connection for [`migrate`] and [`check`], and creates the database if there is none and the user may.
pub fn connect(url: &str) -> Result<Conn> {
    let parts = Parts::of(url)?;
    match open_in_time(url, &parts)? {
        Ok(conn) => Ok(conn),
        Err(error) if error.to_string().contains("Unknown database") => {
            create(&parts)?;
            open_in_time(url, &parts)?.map_err(|error| refused(&error, &parts))
        }
        Err(error) => Err(refused(&error, &parts)),
    }
}

/// Applies what is missing; returns the names of the migrations that were.
pub fn migrate(conn: &mut Conn) -> Result<Vec<String>> {
    if !lock(conn)? {
        return Err(stop(
            "another csgpu has been migrating the database for five minutes, see its log",
        ));
    }
    let outcome = migrate_locked(conn);
    // the lock ends with the connection, so a failure here changes nothing
    let _ = sql_query(format!("DO RELEASE_LOCK({LOCK})")).execute(conn);
    outcome
}

/// Says whether the database has all of the schema of this binary.
pub fn check(conn: &mut Conn) -> Result<()> {
    let missing = missing(conn)?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(stop(format!(
        "the database is older than this csgpu ({} of {} steps are missing): run csgpu migrate",
        missing.len(),
        known()?.len()
    )))
}

fn migrate_locked(conn: &mut Conn) -> Result<Vec<String>> {
    if missing(conn)?.is_empty() {
        return Ok(Vec::new());
    }
    neighbours::make_way(conn, neighbours::FLOOR)?;
    match conn.run_pending_migrations(MIGRATIONS) {
        Ok(done) => {
            let done = done.iter().map(ToString::to_string).collect();
            neighbours::raise(conn, neighbours::FLOOR)?;
            Ok(done)
        }
        Err(error) if error.to_string().contains("already exists") => {
            wait_for_the_other_one(conn).map_err(|_| broken(&error))
        }
        Err(error) => Err(broken(&error)),
    }
}

fn wait_for_the_other_one(conn: &mut Conn) -> Result<Vec<String>> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match missing(conn) {
            Ok(missing) if missing.is_empty() => return Ok(Vec::new()),
            outcome if Instant::now() > end => {
                outcome?;
                return Err(stop("the migration was not completed"));
            }
            // another process works; nothing tells us when it is done
            _ => std::thread::park_timeout(Duration::from_millis(200)),
        }
    }
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    stop(format!(
        "the database could not be migrated: {error}; it may be half done: put back the backup, or drop the database if it is new"
    ))
}

/// What this binary knows and the database has not; an error if the database is for later ones ([`neighbours`]).
fn missing(conn: &mut Conn) -> Result<BTreeSet<String>> {
    let known = known()?;
    let tables: BTreeSet<String> = sql_query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()",
    )
    .load::<Name>(conn)?
    .into_iter()
    .map(|row| row.name)
    .collect();
    if tables.is_empty() {
        return Ok(known);
    }
    if !tables.contains("__diesel_schema_migrations") {
        return Err(stop(
            "the database has tables that are not csgpu's: name a database of its own in database.url",
        ));
    }
    let applied = conn.applied_migrations().map_err(Error::Internal)?;
    let applied: BTreeSet<String> = applied.iter().map(ToString::to_string).collect();
    if let Some(newest) = applied.difference(&known).last() {
        let floor = neighbours::floor(conn)?;
        if !floor.as_ref().is_some_and(|floor| known.contains(floor)) {
            let floor = floor.unwrap_or_else(|| newest.clone());
            return Err(stop(format!(
                "this database was written by a newer csgpu (step {newest} is unknown here) and is for those who know \
                 step {floor}: install that version or a later one"
            )));
        }
        tracing::info!(newest, "the database has steps of a newer csgpu, which only add");
    }
    Ok(known.difference(&applied).cloned().collect())
}

/// The migrations of this binary.
pub fn known() -> Result<BTreeSet<String>> {
    use diesel::migration::{Migration, MigrationSource};
    let all = MigrationSource::<Mysql>::migrations(&MIGRATIONS).map_err(Error::Internal)?;
    Ok(all.iter().map(|m| m.name().version().to_string()).collect())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Won {
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::BigInt>)]
    won: Option<i64>,
}

/// The lock's name: one per database of a server, at most 64 characters.
const LOCK: &str = "LEFT(CONCAT('csgpu migrate ', DATABASE()), 64)";

fn lock(conn: &mut Conn) -> Result<bool> {
    let text = format!("SELECT CAST(GET_LOCK({LOCK}, {}) AS SIGNED) AS won", PATIENCE.as_secs());
    Ok(sql_query(text).get_result::<Won>(conn)?.won == Some(1))
}

pub(super) fn stop(text: impl Into<String>) -> Error {
    Error::Stopping(text.into())
}

/// The parts of a database URL that messages and `CREATE DATABASE` need.
struct Parts {
    /// Everything before the database's name.
    front: String,
    name: String,
    /// Everything after it.
    back: String,
    user: String,
    place: String,
}

impl Parts {
    fn of(url: &str) -> Result<Self> {
        let form =
            || stop("database.url is not of the form mysql://user:password@host:3306/database");
        let (rest, back) = url.split_at(url.find('?').unwrap_or(url.len()));
        let after = rest.strip_prefix("mysql://").ok_or_else(form)?;
        let (login, name) = after.rsplit_once('/').ok_or_else(form)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(stop(
                "database.url must end in the name of a database: letters, digits, _ and -",
            ));
        }
        let (user, place) = login.rsplit_once('@').unwrap_or(("", login));
        let user = user.split(':').next().unwrap_or_default();
        let front = format!("mysql://{login}/");
        let (name, back) = (name.to_owned(), back.to_owned());
        Ok(Self { front, name, back, user: user.to_owned(), place: place.to_owned() })
    }
}

fn create(parts: &Parts) -> Result<()> {
    let refuse = |why: &dyn std::fmt::Display| {
        let (name, user) = (&parts.name, &parts.user);
        stop(format!(
            "database {name} does not exist and could not be created ({why}): have an administrator run CREATE DATABASE `{name}` and GRANT ALL ON `{name}`.* TO '{user}'"
        ))
    };
    let url = format!("{}{}", parts.front, parts.back);
    let mut conn = open_in_time(&url, parts)?.map_err(|e| refuse(&e))?;
    let text = format!("CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4", parts.name);
    conn.batch_execute(&text).map_err(|e| refuse(&e))
}

/// Opens a connection with a limit on the time; the driver itself would wait for minutes.
fn open_in_time(url: &str, parts: &Parts) -> Result<Result<Conn, ConnectionError>> {
    let (tell, hear) = mpsc::channel();
    let url = url.to_owned();
    std::thread::spawn(move || tell.send(open(&url)));
    hear.recv_timeout(Duration::from_secs(10)).map_err(|_| {
        stop(format!("the database at {} did not answer within 10 seconds: is it running, and is database.url right?", parts.place))
    })
}

/// Why a connection could not be opened, and what to do.
fn refused(error: &ConnectionError, parts: &Parts) -> Error {
    let Parts { name, user, place, .. } = parts;
    let text = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    stop(if says(&["to database"]) {
        format!(
            "user {user} may not use database {name}: have an administrator run GRANT ALL ON `{name}`.* TO '{user}'"
        )
    } else if says(&["Access denied"]) {
        format!(
            "the database refuses user {user}: correct the user or the password in database.url"
        )
    } else if says(&["Unknown server host", "Unknown MySQL server host"]) {
        format!("the database's host {place} is unknown: correct database.url")
    } else if says(&["Can't connect", "Lost connection", "gone away"]) {
        format!(
            "the database at {place} does not answer: is it running, and is database.url right? ({text})"
        )
    } else {
        format!("the database at {place} cannot be used: {text}")
    })
}
