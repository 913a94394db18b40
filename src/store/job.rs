//! Durable jobs: admitted with what they will build, worked under a lease, kept with their result.

use super::{
    Conn, Tx, Window, clock, event,
    owner::{Owners, owned_by},
    prepared::kept,
    schema::{account, domain, job},
};
use crate::{
    domain::{Id, Kind, Time, id, identity::Caller, job::JobState},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods,
    dsl::{exists, not, sql},
    insert_into,
    sql_types::{Datetime, Nullable, Text},
    update,
};
use uuid::Uuid;

/// A job to admit.
#[derive(Debug)]
pub struct New<'a> {
    /// The command.
    pub command: &'a str,
    /// What its worker must know, as JSON.
    pub plan: String,
    /// What it works on.
    pub subject: Option<(Kind, Uuid)>,
}

/// A job that a worker holds.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job)]
pub struct Held {
    /// Its id.
    pub id: Id<id::Job>,
    /// The command.
    pub command: String,
    /// Its plan, as JSON.
    pub plan: String,
    /// Whose it is.
    pub user_id: Id<id::User>,
    /// What it works on.
    pub subject_id: Option<String>,
    /// The state it was found in: `Queued` for a new one, another for one whose server died.
    pub state: JobState,
    /// How often it was claimed, this time counted.
    pub attempt: i32,
    /// The error that made it undo, when it was already undoing.
    pub error_code: Option<i32>,
    /// That error's text.
    pub error_text: Option<String>,
}

/// The right to work on a job: of a server, from one claim to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: Id<id::Job>,
    /// Who holds it.
    pub server: Id<id::Server>,
    /// The claim that gave it: a later one has a higher number, also by the same server.
    pub attempt: i32,
}

impl Held {
    /// The lease under which this server holds the job.
    pub fn lease(&self, server: Id<id::Server>) -> Lease {
        Lease { job: self.id, server, attempt: self.attempt }
    }
}

/// The job's row, if the lease is still the one that counts.
macro_rules! under {
    ($lease:expr) => {
        job::table
            .filter(job::id.eq($lease.job))
            .filter(job::lease_owner.eq($lease.server))
            .filter(job::attempt.eq($lease.attempt))
    };
}

/// Keeps the lease until the transaction ends: while it runs nobody takes the job over. Error: conflict, when somebody
/// has. The first statement of every transaction of a job ([`super::Db::under`]).
///
/// It writes the row, be it by a microsecond: the nodes of a database cluster tell each other what is written and not
/// what is locked, so of two transactions that only lock a row both may be committed.
pub(super) fn hold(tx: &mut Tx<'_>, lease: &Lease) -> Result<()> {
    let later = sql::<Nullable<Datetime>>("lease_until + INTERVAL 1 MICROSECOND");
    match kept(update(under!(lease)).set(job::lease_until.eq(later))).execute(&mut **tx)? {
        0 => Err(Error::Conflict(format!("another server took job {} over", lease.job))),
        _ => Ok(()),
    }
}

/// A job as its owner reads it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job)]
pub struct Row {
    /// Its id.
    pub id: Id<id::Job>,
    /// The command.
    pub command: String,
    /// Whose it is.
    pub user_id: Id<id::User>,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Whose it is.
    pub domain_id: Id<id::Domain>,
    /// The noun it works on.
    pub subject_kind: Option<String>,
    /// What it works on.
    pub subject_id: Option<String>,
    /// Where it is.
    pub state: JobState,
    /// The server that works on it.
    pub lease_owner: Option<Id<id::Server>>,
    /// What it is doing.
    pub progress: Option<String>,
    /// Its result, as JSON.
    pub result: Option<String>,
    /// Why it failed: the code.
    pub error_code: Option<i32>,
    /// Why it failed.
    pub error_text: Option<String>,
    /// When it was admitted.
    pub created: Time,
    /// When it ended.
    pub finished: Option<Time>,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Its result, as JSON.
    Done(String),
    /// The error's code and text.
    Failed(u16, String),
}

/// Admits a job.
pub fn insert(tx: &mut Tx<'_>, caller: &Caller, new: &New<'_>) -> Result<Id<id::Job>> {
    let job = Id::mint();
    insert_into(job::table)
        .values((
            job::id.eq(job),
            job::command.eq(new.command),
            job::plan.eq(&new.plan),
            job::user_id.eq(caller.user),
            job::account_id.eq(caller.account),
            job::domain_id.eq(caller.domain),
            job::subject_kind.eq(new.subject.map(|(kind, _)| kind.resource())),
            job::subject_id.eq(new.subject.map(|(_, id)| id.hyphenated().to_string())),
            job::state.eq(JobState::Queued),
        ))
        .execute(&mut **tx)?;
    Ok(job)
}

/// Whether there is a job that nobody works on: queued, or with a lease that ran out. One statement, no locks.
pub fn is_waiting(conn: &mut Conn) -> Result<bool> {
    let waiting = job::table.filter(job::state.eq_any(JobState::WAITING));
    let abandoned = job::table
        .filter(job::state.eq_any(JobState::LEASED))
        .filter(job::lease_until.lt(clock().nullable()).assume_not_null());
    Ok(kept(diesel::select(exists(waiting).or(exists(abandoned)))).get_result(conn)?)
}

/// Takes the lease of up to `most` jobs: new ones, or with `abandoned` those whose lease ran out. A thing that another
/// job works on is left alone; of several jobs on one thing the oldest comes first.
pub fn claim(
    tx: &mut Tx<'_>,
    server: Id<id::Server>,
    lease_seconds: u32,
    most: i64,
    abandoned: bool,
) -> Result<Vec<Held>> {
    let rows = job::table.select(Held::as_select()).order(job::id).limit(most);
    let mut found: Vec<Held> = if abandoned {
        let rows = rows.filter(job::state.eq_any(JobState::LEASED));
        let rows = rows.filter(job::lease_until.lt(clock().nullable()));
        kept(rows.for_update().skip_locked()).load(&mut **tx)?
    } else {
        let other = diesel::alias!(job as other);
        let busy = other
            .filter(other.field(job::busy_subject).eq(job::subject_id))
            .select(other.field(job::id));
        let rows = rows.filter(job::state.eq_any(JobState::WAITING));
        let rows = rows.filter(job::subject_id.is_null().or(not(exists(busy))));
        kept(rows.for_update().skip_locked()).load(&mut **tx)?
    };
    let mut subjects = std::collections::HashSet::new();
    found.retain(|held| {
        held.subject_id.as_ref().is_none_or(|subject| subjects.insert(subject.clone()))
    });
    if found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<_> = found.iter().map(|held| held.id).collect();
    let until = sql::<Datetime>(&format!("UTC_TIMESTAMP(6) + INTERVAL {lease_seconds} SECOND"));
    let rows = job::table.filter(job::id.eq_any(ids));
    let lease = (
        job::lease_owner.eq(server),
        job::lease_until.eq(until.nullable()),
        job::attempt.eq(job::attempt + 1),
        job::busy_subject.eq(job::subject_id),
    );
    if abandoned {
        kept(update(rows).set(lease)).execute(&mut **tx)?;
    } else {
        for held in &found {
            event::follow(tx, held.id, "Started", None)?;
        }
        let started = job::started.eq(clock().nullable());
        let state = sql::<Text>("IF(state = 'Due', 'Paying', 'Running')");
        kept(update(rows).set((lease, started, job::state.eq(state)))).execute(&mut **tx)?;
    }
    found.iter_mut().for_each(|held| held.attempt += 1);
    Ok(found)
}

/// Extends the leases that a server has on these jobs, and says on which: the others have ended, or another server took
/// them over. One statement, two when there are others.
pub fn heartbeat(
    tx: &mut Tx<'_>,
    server: Id<id::Server>,
    jobs: &[Id<id::Job>],
    lease_seconds: u32,
) -> Result<Vec<Id<id::Job>>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let until = sql::<Datetime>(&format!("UTC_TIMESTAMP(6) + INTERVAL {lease_seconds} SECOND"));
    let mine = job::table
        .filter(job::id.eq_any(jobs))
        .filter(job::lease_owner.eq(server))
        .filter(job::state.eq_any(JobState::LEASED));
    let rows =
        kept(update(mine.clone()).set(job::lease_until.eq(until.nullable()))).execute(&mut **tx)?;
    if rows == jobs.len() {
        return Ok(jobs.to_vec());
    }
    Ok(mine.select(job::id).load(&mut **tx)?)
}

/// A job that failed turns to putting back what it did. False: the lease is lost, touch nothing.
pub fn begin_undo(tx: &mut Tx<'_>, lease: &Lease, code: u16, text: &str) -> Result<bool> {
    let failed = (
        job::state.eq(JobState::Undoing),
        job::error_code.eq(i32::from(code)),
        job::error_text.eq(text),
    );
    Ok(kept(update(under!(lease)).set(failed)).execute(&mut **tx)? == 1)
}

/// Ends a job. False: the lease is lost, somebody else ends it.
pub fn finish(tx: &mut Tx<'_>, lease: &Lease, outcome: &Outcome) -> Result<bool> {
    let mine = under!(lease);
    let end = (
        job::busy_subject.eq(None::<String>),
        job::lease_owner.eq(None::<Id<id::Server>>),
        job::lease_until.eq(None::<Time>),
        job::finished.eq(clock().nullable()),
    );
    let rows = match outcome {
        Outcome::Done(result) => {
            kept(update(mine).set((end, job::state.eq(JobState::Done), job::result.eq(result))))
                .execute(&mut **tx)?
        }
        Outcome::Failed(code, text) => {
            let error = (job::error_code.eq(i32::from(*code)), job::error_text.eq(text));
            kept(update(mine).set((end, job::state.eq(JobState::Failed), error)))
                .execute(&mut **tx)?
        }
    };
    if rows == 1 {
        let failed = match outcome {
            Outcome::Done(_) => None,
            Outcome::Failed(_, text) => Some(text.as_str()),
        };
        event::follow(tx, lease.job, "Completed", failed)?;
    }
    Ok(rows == 1)
}

/// Whether a job works, or waits to work, on this thing.
pub fn is_active(conn: &mut Conn, subject: Uuid) -> Result<bool> {
    let is_active = job::state.eq_any(JobState::WAITING).or(job::state.eq_any(JobState::LEASED));
    let jobs =
        job::table.filter(job::subject_id.eq(subject.hyphenated().to_string())).filter(is_active);
    Ok(diesel::select(exists(jobs)).get_result(conn)?)
}

/// Records what a job is doing, in its own words.
pub fn progress(tx: &mut Tx<'_>, job: Id<id::Job>, text: &str) -> Result<()> {
    let text: String = text.chars().take(1000).collect();
    kept(update(job::table.filter(job::id.eq(job))).set(job::progress.eq(text)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Calls in what hosts owe for these failed jobs: workers are to pay.
pub fn call_in(tx: &mut Tx<'_>, jobs: &[Id<id::Job>]) -> Result<usize> {
    let owing = job::table.filter(job::id.eq_any(jobs)).filter(job::state.eq(JobState::Failed));
    Ok(update(owing).set(job::state.eq(JobState::Due)).execute(&mut **tx)?)
}

/// A payment is over, whether it succeeded or not: the job is what it was before. False: the lease is lost.
pub fn rest(tx: &mut Tx<'_>, lease: &Lease) -> Result<bool> {
    let rested = (
        job::state.eq(JobState::Failed),
        job::busy_subject.eq(None::<String>),
        job::lease_owner.eq(None::<Id<id::Server>>),
        job::lease_until.eq(None::<Time>),
    );
    Ok(kept(update(under!(lease)).set(rested)).execute(&mut **tx)? == 1)
}

/// A job with the names of its owner, as queries show it.
pub type Named = (Row, String, String);

/// One job, if it is in the caller's scope.
pub fn get(conn: &mut Conn, job: Id<id::Job>) -> Result<Option<Named>> {
    let query = job::table
        .left_join(account::table.on(account::id.eq(job::account_id)))
        .left_join(domain::table.on(domain::id.eq(job::domain_id)))
        .filter(job::id.eq(job))
        .select((Row::as_select(), account::name.nullable(), domain::path.nullable()));
    let row: Option<(Row, Option<String>, Option<String>)> = query.first(conn).optional()?;
    Ok(row.map(|(row, name, path)| (row, name.unwrap_or_default(), path.unwrap_or_default())))
}

/// Which jobs to list.
#[derive(Debug)]
pub struct Filter {
    /// Whose.
    pub owners: Owners,
    /// Admitted from this moment on.
    pub from: Option<Time>,
    /// That this server works on.
    pub server: Option<Id<id::Server>>,
}

/// The jobs that have not ended, oldest first.
pub fn unfinished(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    let query = || {
        let mut query = job::table
            .inner_join(account::table.on(account::id.eq(job::account_id)))
            .inner_join(domain::table.on(domain::id.eq(job::domain_id)))
            .filter(job::state.eq_any([JobState::Queued, JobState::Running, JobState::Undoing]))
            .into_boxed();
        query = owned_by!(query, job, &filter.owners);
        if let Some(from) = filter.from {
            query = query.filter(job::created.ge(from));
        }
        if let Some(server) = filter.server {
            query = query.filter(job::lease_owner.eq(server));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(job::command.like(super::like(word)));
        }
        query
    };
    let rows = query().select((Row::as_select(), account::name, domain::path)).order(job::id);
    let rows = window.page(rows, conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}
