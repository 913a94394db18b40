//! The connections: opened with our session settings, watched while they work, thrown away once they broke.
//!
//! No statement is spent on asking whether a connection still lives. Whoever sees one break condemns all that were
//! opened before that moment, since what killed one (the server went away) has nearly always killed the others.

use super::failure::{Meaning, meaning};
use diesel::{
    Connection,
    ConnectionError::{self, CouldntSetupConfiguration},
    MysqlConnection, QueryResult, RunQueryDsl,
    connection::{Instrumentation, InstrumentationEvent, SimpleConnection},
    mysql::Mysql,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    r2d2::{HandleError, ManageConnection},
    result::Error as Diesel,
    sql_types::Integer,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// A connection to the database.
pub type Conn = MysqlConnection;

/// What every session is set to. Two statements in one message: the isolation level has no variable that both MySQL
/// and MariaDB know. On a cluster each read waits until this node has what was committed on the others before; for
/// MySQL that variable is a comment.
const SETTINGS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
    SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, lc_messages = 'en_US' /*M! , wsrep_sync_wait = 1 */, \
    sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'";

/// Of the pool's connections: nothing is written but between [`Session::begin`] and [`Session::commit`]. A node of a MariaDB
/// cluster that rolls a transaction back while it prepares a statement says so to nobody (seen with 10.11.19), and would
/// commit by itself each statement that follows.
const WRITE_IN_TRANSACTIONS: &str = "SET SESSION TRANSACTION READ ONLY";

/// What all connections of one [`super::Db`] share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Statements sent so far.
    pub(super) statements: AtomicU64,
    /// Connections opened in an earlier age than this one are dead.
    age: AtomicU64,
}

/// Opens connections for the pool and says which are to be kept.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) url: String,
    pub(super) shared: Arc<Shared>,
}

/// One connection and what was seen on it.
pub(super) struct Session {
    /// The connection.
    pub(super) conn: Conn,
    seen: Arc<Seen>,
    shared: Arc<Shared>,
    age: u64,
    /// The server does not take `BEGIN` as a prepared statement.
    plain: bool,
    /// The server is a node of a MariaDB cluster.
    in_cluster: bool,
}

/// What was seen on one connection.
#[derive(Debug, Default)]
struct Seen {
    /// It broke.
    lost: AtomicBool,
    /// Its transaction was rolled back by the server.
    aborted: AtomicBool,
    /// Its transaction has written.
    wrote: AtomicBool,
    /// Its transaction has read since it wrote.
    read_since: AtomicBool,
    /// An error came where rows were awaited. MariaDB's client library believes that they are still to come: when that
    /// statement is run again it waits for them, without a limit and inside the transaction of that moment.
    spoilt: AtomicBool,
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Session, ConnectionError> {
        let age = self.shared.age.load(Relaxed);
        let mut conn = open(&self.url)?;
        conn.batch_execute(WRITE_IN_TRANSACTIONS).map_err(CouldntSetupConfiguration)?;
        let (seen, shared) = (Arc::new(Seen::default()), Arc::clone(&self.shared));
        let mut session = Session { conn, seen, shared, age, plain: false, in_cluster: false };
        session.prepare().map_err(CouldntSetupConfiguration)?;
        session.conn.set_instrumentation(Watch {
            seen: Arc::clone(&session.seen),
            shared: Arc::clone(&session.shared),
            in_cluster: session.in_cluster,
            begun: None,
        });
        Ok(session)
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), ConnectionError> {
        if session.is_dead() {
            return Err(ConnectionError::BadConnection("its server went away".to_owned()));
        }
        Ok(())
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        // a closure that panicked leaves a transaction open
        std::thread::panicking() || session.is_dead() || session.seen.spoilt.load(Relaxed)
    }
}

/// Opens one connection with the settings of every session.
pub(super) fn open(url: &str) -> Result<Conn, ConnectionError> {
    let mut conn = Conn::establish(url)?;
    conn.batch_execute(SETTINGS).map_err(CouldntSetupConfiguration)?;
    Ok(conn)
}

impl Session {
    /// Starts a transaction.
    pub(super) fn begin(&mut self) -> QueryResult<()> {
        for flag in [&self.seen.aborted, &self.seen.wrote, &self.seen.read_since] {
            flag.store(false, Relaxed);
        }
        self.control(Begin, BEGIN)
    }

    /// Ends it for good.
    pub(super) fn commit(&mut self) -> QueryResult<()> {
        self.control(Commit, "COMMIT")
    }

    /// Whether the transaction is still the one that was begun. What it wrote last was written in it, so a node of a cluster
    /// is asked only when it has read since then.
    pub(super) fn is_whole(&mut self) -> QueryResult<bool> {
        if !self.in_cluster || !self.seen.wrote.load(Relaxed) || !self.seen.read_since.load(Relaxed)
        {
            return Ok(true);
        }
        InTransaction.get_result::<i32>(&mut self.conn).map(|is_in| is_in == 1)
    }

    /// Lets the server prepare what ends a transaction, outside any: see [`WRITE_IN_TRANSACTIONS`].
    fn prepare(&mut self) -> QueryResult<()> {
        // neither variable is known to MySQL
        self.in_cluster = InCluster.get_result::<i32>(&mut self.conn).is_ok_and(|is_in| is_in == 1);
        if self.in_cluster {
            InTransaction.get_result::<i32>(&mut self.conn)?;
        }
        self.begin()?;
        self.commit()
    }

    /// Undoes it. A connection on which that fails is dropped, and then the server does it.
    pub(super) fn rollback(&mut self) {
        if !self.is_dead() && self.control(Rollback, "ROLLBACK").is_err() {
            self.seen.lost.store(true, Relaxed);
        }
    }

    /// Whether the server rolled the transaction back, also when the closure did not pass that on.
    pub(super) fn was_aborted(&self) -> bool {
        self.seen.aborted.load(Relaxed)
    }

    /// Whether the connection broke.
    pub(super) fn was_lost(&self) -> bool {
        self.seen.lost.load(Relaxed)
    }

    /// Says that it broke, where only the rows told (the driver reports statements, not the reading of rows).
    pub(super) fn condemn(&self) {
        self.seen.lose(&self.shared);
    }

    fn is_dead(&self) -> bool {
        self.was_lost() || self.age < self.shared.age.load(Relaxed)
    }

    /// Sends a control statement. Prepared and cached it is one round trip; as plain text diesel makes it three
    /// (it switches multiple statements on and off around it). MariaDB prepares everything, MySQL refuses to prepare
    /// `BEGIN`, and then the plain way is taken from there on.
    fn control<Q>(&mut self, statement: Q, text: &str) -> QueryResult<()>
    where
        Q: RunQueryDsl<Conn> + QueryFragment<Mysql> + Query<SqlType = Integer> + QueryId,
    {
        if self.plain {
            return self.conn.batch_execute(text);
        }
        match statement.execute(&mut self.conn) {
            Err(Diesel::DatabaseError(_, info)) if info.message().contains(UNPREPARABLE) => {
                self.plain = true;
                self.conn.batch_execute(text)
            }
            other => other.map(|_| ()),
        }
    }
}

const UNPREPARABLE: &str = "not supported in the prepared statement protocol";

macro_rules! control_statements {
    ($($name:ident $text:literal),*) => { $(
        #[derive(Debug, QueryId)]
        struct $name;
        impl QueryFragment<Mysql> for $name {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
                pass.push_sql($text);
                Ok(())
            }
        }
        impl Query for $name {
            type SqlType = Integer;
        }
        impl RunQueryDsl<Conn> for $name {}
    )* };
}
const BEGIN: &str = "START TRANSACTION READ WRITE";

control_statements!(
    Begin "START TRANSACTION READ WRITE",
    Commit "COMMIT",
    Rollback "ROLLBACK",
    InTransaction "SELECT CAST(@@in_transaction AS SIGNED INT)",
    InCluster "SELECT CAST(@@wsrep_on AS SIGNED INT)"
);

impl Seen {
    /// A statement is over.
    fn ended(&self, text: &str, has_failed: bool) {
        let begins_with = |verbs: &[&str]| verbs.iter().any(|verb| text.starts_with(verb));
        if begins_with(&["INSERT", "UPDATE", "DELETE"]) {
            if !has_failed {
                self.wrote.store(true, Relaxed);
                self.read_since.store(false, Relaxed);
            }
        } else if !begins_with(&["START", "COMMIT", "ROLLBACK"]) {
            let flag = if has_failed { &self.spoilt } else { &self.read_since };
            flag.store(true, Relaxed);
        }
    }

    fn lose(&self, shared: &Shared) {
        if !self.lost.swap(true, Relaxed) {
            shared.age.fetch_add(1, Relaxed);
        }
    }
}

/// Counts, logs and judges the statements of one connection.
struct Watch {
    seen: Arc<Seen>,
    shared: Arc<Shared>,
    in_cluster: bool,
    begun: Option<Instant>,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.shared.statements.fetch_add(1, Relaxed);
                self.begun = Some(Instant::now());
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                if tracing::enabled!(tracing::Level::DEBUG) {
                    let micros = self.begun.map_or(0, |begun| begun.elapsed().as_micros());
                    let text = query.to_string();
                    // what follows are the values, and some of them are secrets
                    let text = text.split(" -- binds:").next().unwrap_or_default();
                    tracing::debug!(micros, failed = error.is_some(), "{text}");
                }
                if error.is_some() || self.in_cluster {
                    self.seen.ended(&query.to_string(), error.is_some());
                }
                match error.map(meaning) {
                    Some(Meaning::Lost) => self.seen.lose(&self.shared),
                    Some(Meaning::Collision) => self.seen.aborted.store(true, Relaxed),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// The pool tries again by itself; who waits for a connection says so in the log, once.
#[derive(Debug)]
pub(super) struct Quiet;

impl HandleError<ConnectionError> for Quiet {
    fn handle_error(&self, error: ConnectionError) {
        tracing::debug!(%error, "a connection to the database failed");
    }
}
