//! The two doors to the database: `read` and `txn`.
//!
//! Both run the closure on a blocking thread, with one of the pool's connections, and never have more threads waiting
//! than there are connections.
//!
//! **What is run again.** A closure may run several times, so it must have no effect but on its connection.
//! - A transaction that lost against another one (deadlock, lock wait, certification in a cluster) or that ended in
//!   [`Error::LostRace`] is rolled back and run again, whole, after a pause that grows and is random.
//! - So is one that the server rolled back without a word, as nodes of a cluster may: nothing is written outside a
//!   transaction, so its next write is refused, and a node is asked before what it read last is believed.
//! - A connection that breaks before `COMMIT` was sent takes its transaction with it (the server rolls back what was
//!   not committed), so the closure is run again on another connection; a read likewise.
//! - A connection that breaks **during** `COMMIT` leaves it open whether the change was made. Nothing is run again and
//!   nothing is claimed: the answer is [`Error::Stopping`] with a sentence that says so.
//!
//! A future that is dropped does not stop its closure: what was sent is finished, and the connection goes back.

use super::failure::{Meaning, away, behind, inside, meaning, settle, unknown_outcome};
use super::job::{self, Lease};
use super::pool::{Conn, Manager, Quiet, Session, Shared};
use crate::error::{Error, Result};
use diesel::r2d2::{Pool, PooledConnection};
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tracing::{Span, debug_span};

/// How long a request waits for a connection before it is told that there is none.
const WAIT: Duration = Duration::from_secs(4);

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Manager>,
    free: Arc<Semaphore>,
    shared: Arc<Shared>,
    lease: Option<Lease>,
}

/// A connection that is inside a transaction: the only key to functions that must be.
pub struct Tx<'a> {
    conn: &'a mut Conn,
    after: Vec<After>,
}

/// What is to be done once the transaction is committed; dropped when it is rolled back.
type After = Box<dyn FnOnce() + Send>;

impl Tx<'_> {
    /// Does this once the transaction is committed. Dropped when it is rolled back or when nobody knows.
    pub fn after_commit(&mut self, work: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(work));
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        self.conn
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn
    }
}

/// How many connections there are.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// The most there may be.
    pub most: u32,
    /// Those that are open.
    pub open: u32,
    /// Those that somebody uses.
    pub busy: u32,
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("connections", &self.pool.state()).finish_non_exhaustive()
    }
}

impl Db {
    /// A pool of at most `size` connections. None is opened yet: a server that is away is met by the first statement.
    pub fn open(url: &str, size: u32) -> Self {
        let size = size.max(1);
        let shared = Arc::new(Shared::default());
        let manager = Manager { url: url.to_owned(), shared: Arc::clone(&shared) };
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(WAIT)
            .test_on_check_out(true) // compares two numbers, sends nothing
            .error_handler(Box::new(Quiet))
            .build_unchecked(manager);
        Self { pool, free: Arc::new(Semaphore::new(size as usize)), shared, lease: None }
    }

    /// The same database for a job: each transaction begins with its lease and changes nothing when that is lost, so a
    /// server that was believed dead cannot write over what its successor does.
    pub fn under(&self, lease: Lease) -> Self {
        Self { lease: Some(lease), ..self.clone() }
    }

    /// Reads, outside any transaction: each statement sees what is committed when it runs.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        self.repeat(debug_span!("read"), move |db| db.try_read(&work)).await
    }

    /// Runs the closure in a transaction, which `name` names in the log, and commits it if the closure says `Ok`.
    pub async fn txn<T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.repeat(debug_span!("txn", name), move |db| db.try_txn(&work)).await
    }

    /// [`Db::read`] on this thread: for the start of the service and for tests.
    pub fn read_blocking<T>(&self, work: impl Fn(&mut Conn) -> Result<T>) -> Result<T> {
        self.repeat_blocking(debug_span!("read"), || self.try_read(&work))
    }

    /// [`Db::txn`] on this thread: for the start of the service and for tests.
    pub fn txn_blocking<T>(
        &self,
        name: &'static str,
        work: impl Fn(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.repeat_blocking(debug_span!("txn", name), || self.try_txn(&work))
    }

    /// How many statements were sent so far, `BEGIN`, `COMMIT` and `ROLLBACK` included, the settings of new
    /// connections not: for tests that pin the cost of a request.
    pub fn statements(&self) -> u64 {
        self.shared.statements.load(Relaxed)
    }

    /// How its connections are used now.
    pub fn pool(&self) -> Connections {
        let state = self.pool.state();
        Connections {
            most: self.pool.max_size(),
            open: state.connections,
            busy: state.connections.saturating_sub(state.idle_connections),
        }
    }

    /// Runs `attempt` on blocking threads until it is done or patience is.
    async fn repeat<T, A>(&self, span: Span, attempt: A) -> Result<T>
    where
        T: Send + 'static,
        A: Fn(&Self) -> Result<T, Setback> + Send + 'static,
    {
        let mut patience = Patience::new();
        let mut attempt = attempt;
        loop {
            let permit = tokio::time::timeout(WAIT, Arc::clone(&self.free).acquire_owned());
            let Ok(Ok(permit)) = permit.await else {
                tracing::warn!("all connections to the database were busy for {WAIT:?}");
                return Err(Error::Stopping(
                    "the database does not answer: too much is going on, try again".to_owned(),
                ));
            };
            let (db, inner) = (self.clone(), span.clone());
            let hop = tokio::task::spawn_blocking(move || {
                let outcome = inner.in_scope(|| attempt(&db));
                drop(permit);
                (attempt, outcome)
            });
            let (back, outcome) = hop.await.map_err(|e| Error::Internal(Box::new(e)))?;
            attempt = back;
            match outcome {
                Ok(value) => return Ok(value),
                Err(setback) => match patience.after(&setback) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(setback.into_error()),
                },
            }
        }
    }

    fn repeat_blocking<T>(
        &self,
        span: Span,
        attempt: impl Fn() -> Result<T, Setback>,
    ) -> Result<T> {
        let mut patience = Patience::new();
        loop {
            match span.in_scope(&attempt) {
                Ok(value) => return Ok(value),
                Err(setback) => match patience.after(&setback) {
                    Some(pause) => pause_thread(pause),
                    None => return Err(setback.into_error()),
                },
            }
        }
    }

    fn session(&self) -> Result<PooledConnection<Manager>, Setback> {
        self.pool.get().map_err(|error| Setback::Final(away(&error)))
    }

    fn try_read<T>(&self, work: &impl Fn(&mut Conn) -> Result<T>) -> Result<T, Setback> {
        let mut session = self.session()?;
        work(&mut session.conn).map_err(|error| Setback::of(error, &session).with_no_rival())
    }

    fn try_txn<T>(&self, work: &impl Fn(&mut Tx<'_>) -> Result<T>) -> Result<T, Setback> {
        let mut session = self.session()?;
        if let Err(error) = session.begin() {
            let setback = Setback::of(error.into(), &session).with_no_rival();
            session.rollback();
            return Err(setback);
        }
        let mut tx = Tx { conn: &mut session.conn, after: Vec::new() };
        let held = self.lease.as_ref().map_or(Ok(()), |lease| job::hold(&mut tx, lease));
        let outcome = held.and_then(|()| work(&mut tx));
        let after = std::mem::take(&mut tx.after);
        let value = match outcome {
            Ok(value) => value,
            Err(error) => {
                let setback = Setback::of(error, &session);
                session.rollback();
                return Err(setback);
            }
        };
        // a closure that swallowed such an error would commit half of its work, or nothing
        if session.was_lost() {
            return Err(Setback::Lost(Error::internal("the connection was lost")));
        }
        let is_whole = match session.was_aborted() {
            true => Ok(false),
            false => session.is_whole(),
        };
        let is_whole = is_whole.map_err(|error| Setback::of(error.into(), &session));
        if !matches!(is_whole, Ok(true)) {
            session.rollback();
            return Err(is_whole.err().unwrap_or_else(Setback::aborted));
        }
        match session.commit() {
            Ok(()) => {
                after.into_iter().for_each(|work| work());
                Ok(value)
            }
            Err(error) if meaning(&error) == Meaning::Lost => {
                session.condemn();
                Err(Setback::Final(unknown_outcome(&error)))
            }
            Err(error) => {
                let setback = Setback::of(error.into(), &session);
                session.rollback();
                Err(setback)
            }
        }
    }
}

/// Why an attempt did not succeed.
enum Setback {
    /// Another transaction was first, says the database.
    Collision(Error),
    /// Another transaction was first, says a conditional write.
    Race(Error),
    /// A node of a cluster waited in vain for what the others committed.
    Behind(Error),
    /// The connection broke, and nothing was committed.
    Lost(Error),
    /// Running it again would not help, or might do it twice.
    Final(Error),
}

impl Setback {
    fn of(error: Error, session: &Session) -> Self {
        if matches!(error, Error::LostRace(_)) {
            return Self::Race(error);
        }
        match inside(&error).map(meaning) {
            Some(Meaning::Lost) => {
                session.condemn();
                Self::Lost(error)
            }
            Some(Meaning::Collision) => Self::Collision(error),
            _ => Self::Final(error),
        }
    }

    /// The transaction had been rolled back before it was to be committed.
    fn aborted() -> Self {
        Self::Collision(Error::Conflict(
            "too many requests change the same things at the same time, try again".to_owned(),
        ))
    }

    /// What stopped something that has no lock to wait for, nor a change to lose. MariaDB tells of a node that waited in
    /// vain for its cluster as of a lock wait (`wsrep_sync_wait`).
    fn with_no_rival(self) -> Self {
        match self {
            Self::Collision(error) => Self::Behind(error),
            other => other,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Behind(cause) => behind(&cause),
            Self::Collision(error) | Self::Race(error) | Self::Lost(error) | Self::Final(error) => {
                settle(error)
            }
        }
    }
}

/// How often, and for how long, one call is tried again.
struct Patience {
    until: Instant,
    collisions: u32,
    races: u32,
    losses: u32,
}

impl Patience {
    fn new() -> Self {
        let until = Instant::now() + Duration::from_secs(15);
        Self { until, collisions: 0, races: 0, losses: 0 }
    }

    /// How long to pause before the next attempt, if there is to be one.
    fn after(&mut self, setback: &Setback) -> Option<Duration> {
        let (count, most, millis) = match setback {
            Setback::Collision(_) | Setback::Behind(_) => (&mut self.collisions, 12, 4),
            Setback::Race(_) => (&mut self.races, 5, 2),
            Setback::Lost(_) => (&mut self.losses, 3, 20),
            Setback::Final(_) => return None,
        };
        *count += 1;
        if *count >= most || Instant::now() >= self.until {
            return None;
        }
        tracing::debug!(again = *count, "run again");
        let ceiling = (millis << (*count).min(6)).min(250) * 1000;
        Some(Duration::from_micros(u64::from(random() % ceiling)))
    }
}

/// Spreads the attempts of those who collided; any number will do where the system has no randomness to give.
fn random() -> u32 {
    getrandom::u32().unwrap_or_else(|_| Instant::now().elapsed().subsec_nanos())
}

/// A pause outside the async runtime; nothing announces that the other transaction is done, so time must pass.
fn pause_thread(pause: Duration) {
    let end = Instant::now() + pause;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
        std::thread::park_timeout(left);
    }
}
