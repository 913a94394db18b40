//! The workers of one server: claim, run, undo, finish.

use super::{
    debts,
    hands::{Hands, Hold},
};
use crate::{
    command::{AfterCrash, AsyncOps, Call, Cx, Wiring},
    domain::{identity::Caller, job::JobState},
    error::{Error, Result},
    store::{self, job::Held, job::Outcome},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
};
use tracing::Instrument as _;

/// How many jobs run at once, and for how long a lease holds without a heartbeat.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Jobs at once.
    pub workers: u32,
    /// Seconds of a lease.
    pub lease_seconds: u32,
    /// How often to look for work that nobody announced.
    pub poll: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { workers: 16, lease_seconds: 30, poll: Duration::from_secs(2) }
    }
}

/// The running workers; dropping it does not stop them, [`Workers::stop`] does.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    running: Running,
    slots: Arc<Semaphore>,
    most: u32,
}

/// The jobs that run now; ending it ends them.
type Running = Arc<std::sync::Mutex<tokio::task::JoinSet<()>>>;

impl Workers {
    /// Takes no new job, waits for those that run, at most so long. What is left is found by the next server.
    pub async fn stop(self, patience: Duration) {
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(patience, self.slots.acquire_many(self.most)).await;
        self.abort();
    }

    /// Ends at once, in the middle of whatever it is: what a crash does. For tests.
    pub fn abort(&self) {
        let _ = self.stop.send(true);
        self.tasks.iter().for_each(JoinHandle::abort);
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).abort_all();
    }
}

/// What every job of this server shares.
#[derive(Clone)]
struct Floor {
    wiring: Arc<Wiring>,
    pace: Pace,
    running: Running,
    hands: Hands,
}

/// Starts the workers of this server.
pub fn start(wiring: Arc<Wiring>, pace: Pace) -> Workers {
    let (stop, stopped) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(pace.workers as usize));
    let running = Running::default();
    let hands = Hands::default();
    let floor = Floor {
        wiring: Arc::clone(&wiring),
        pace,
        running: Arc::clone(&running),
        hands: hands.clone(),
    };
    let webhook = wiring.settings.alert_webhook.clone();
    let teller = webhook.map(|webhook| super::alerts::start(Arc::clone(&wiring), webhook));
    let mut tasks = vec![
        super::images::start(Arc::clone(&wiring)),
        super::expiry::start(Arc::clone(&wiring)),
        super::seals::start(Arc::clone(&wiring)),
        super::capacity::start(Arc::clone(&wiring)),
        tokio::spawn(heartbeat(wiring, pace, hands)),
        tokio::spawn(claim_loop(floor, Arc::clone(&slots), stopped)),
    ];
    tasks.extend(teller);
    Workers { stop, tasks, running, slots, most: pace.workers }
}

/// How long a lease is relied on: less than it holds, so that this server stops before another one takes over.
fn safe(pace: Pace) -> Duration {
    Duration::from_secs(u64::from(pace.lease_seconds)).mul_f32(0.8)
}

/// Extends this server's leases and says that it is alive.
async fn heartbeat(wiring: Arc<Wiring>, pace: Pace, hands: Hands) {
    let lease = Duration::from_secs(u64::from(pace.lease_seconds));
    let mut rounds: u32 = 0;
    loop {
        let before = Instant::now();
        let (server, seconds, jobs) = (wiring.server, pace.lease_seconds, hands.all());
        let beaten = wiring
            .db
            .txn("heartbeat", move |tx| {
                let extended = store::job::heartbeat(tx, server, &jobs, seconds)?;
                store::server::heartbeat(tx, server)?;
                Ok(extended)
            })
            .await;
        match beaten {
            Ok(extended) => hands.extend(&extended, before + safe(pace)),
            Err(error) => tracing::warn!(%error, rounds, "no heartbeat"),
        }
        rounds = rounds.wrapping_add(1);
        tokio::time::sleep(lease / 4).await;
    }
}

async fn claim_loop(floor: Floor, slots: Arc<Semaphore>, mut stopped: watch::Receiver<bool>) {
    let mut looked = Instant::now() - floor.pace.poll;
    loop {
        if *stopped.borrow() {
            return;
        }
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let abandoned = looked.elapsed() >= floor.pace.poll;
        let until = Instant::now() + safe(floor.pace);
        match find(&floor, slots.available_permits() + 1, abandoned).await {
            Ok(jobs) if !jobs.is_empty() => hand_out(&floor, &slots, slot, jobs, until),
            found => {
                drop(slot);
                if let Err(error) = found {
                    tracing::warn!(%error, "cannot look for jobs");
                }
                if abandoned {
                    looked = Instant::now();
                }
                tokio::select! {
                    () = floor.wiring.nudge.job_wanted() => {}
                    () = tokio::time::sleep(floor.pace.poll) => {}
                    _ = stopped.changed() => {}
                }
            }
        }
    }
}

/// New jobs first; those of dead servers when it is time to look.
async fn find(floor: &Floor, room: usize, abandoned: bool) -> Result<Vec<Held>> {
    let db = &floor.wiring.db;
    if abandoned && !db.read(store::job::is_waiting).await? {
        return Ok(Vec::new());
    }
    let (server, seconds, most) =
        (floor.wiring.server, floor.pace.lease_seconds, i64::try_from(room).unwrap_or(1));
    db.txn("claim jobs", move |tx| {
        let found = store::job::claim(tx, server, seconds, most, false)?;
        if found.is_empty() && abandoned {
            return store::job::claim(tx, server, seconds, most, true);
        }
        Ok(found)
    })
    .await
}

/// Works on jobs whose leases surely hold until then.
fn hand_out(
    floor: &Floor,
    slots: &Arc<Semaphore>,
    first: OwnedSemaphorePermit,
    jobs: Vec<Held>,
    until: Instant,
) {
    let mut first = Some(first);
    let mut running = floor.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    while running.try_join_next().is_some() {}
    for job in jobs {
        let slot = first.take().or_else(|| Arc::clone(slots).try_acquire_owned().ok());
        let (floor, hold) = (floor.clone(), floor.hands.take(job.id, until));
        let span = tracing::info_span!("job", id = %job.id, command = %job.command);
        running.spawn(
            async move {
                let nudge = Arc::clone(&floor.wiring);
                guarded(floor, job, hold).await;
                drop(slot);
                nudge.nudge.finished();
                nudge.nudge.jobs(); // perhaps one waited for this one's subject
            }
            .instrument(span),
        );
    }
}

/// Works on a job in hand as long as its lease surely holds.
async fn guarded(floor: Floor, job: Held, hold: Hold) {
    match hold.guard(work(&floor, &job)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "job not ended, its lease will run out");
        }
        None => tracing::error!("the lease ran out, another server will end this job"),
    }
}

async fn work(floor: &Floor, job: &Held) -> Result<()> {
    let wiring = &floor.wiring;
    let entry = wiring.registry.find(&job.command);
    let Some((entry, Call::Async(ops))) = entry.map(|entry| (entry, entry.call)) else {
        return finish(
            floor,
            job,
            Outcome::Failed(530, format!("{} is no job of this version", job.command)),
        )
        .await;
    };
    let Some(caller) = caller(floor, job).await?.map(Arc::new) else {
        return finish(
            floor,
            job,
            Outcome::Failed(530, "the job's user does not exist any more".into()),
        )
        .await;
    };
    let cx = Cx::new(Arc::clone(wiring), caller, &entry.spec).under(job.lease(wiring.server));
    match (job.state, ops.after_crash) {
        (JobState::Due | JobState::Paying, _) => debts::pay(wiring, job, ops, cx).await,
        (JobState::Undoing, _) => {
            let code = job.error_code.and_then(|code| u16::try_from(code).ok()).unwrap_or(530);
            undo(floor, job, &cx, ops, (code, job.error_text.clone().unwrap_or_default())).await
        }
        (JobState::Running, AfterCrash::Undo) => {
            let why = "the server that worked on this job stopped in the middle of it; what it had done was put back";
            give_up(floor, job, &cx, ops, (530, why.to_owned())).await
        }
        _ => match (ops.run)(cx.clone(), job.plan.clone()).await {
            Ok(result) => finish(floor, job, Outcome::Done(result)).await,
            Err(error) => give_up(floor, job, &cx, ops, describe(&error)).await,
        },
    }
}

/// In whose name a job is done. What was begun is ended also when its user is gone: in the system's name.
async fn caller(floor: &Floor, job: &Held) -> Result<Option<Caller>> {
    let (user, is_begun) = (job.user_id, job.state != JobState::Queued);
    let read = move |conn: &mut store::Conn| match store::user::caller_of(conn, user)? {
        None if is_begun => store::user::caller_of(conn, store::seed::SYSTEM_USER),
        found => Ok(found),
    };
    floor.wiring.db.read(read).await
}

/// The error as the job's owner reads it; the rest goes to the log.
fn describe(error: &Error) -> (u16, String) {
    tracing::warn!(%error, source = ?std::error::Error::source(error), "job failed");
    (error.code(), error.to_string())
}

async fn give_up(
    floor: &Floor,
    job: &Held,
    cx: &Cx,
    ops: AsyncOps,
    why: (u16, String),
) -> Result<()> {
    let (lease, text) = (job.lease(floor.wiring.server), why.1.clone());
    let ours = floor
        .wiring
        .db
        .txn("job undoes", move |tx| store::job::begin_undo(tx, &lease, why.0, &text))
        .await?;
    if ours { undo(floor, job, cx, ops, why).await } else { Ok(()) }
}

/// How often a job is claimed before what its undoing meets in the database is taken for good.
const ATTEMPTS: i32 = 20;

/// Puts back what the job did. A host that stays away owes it. Where the database is in the way the job stays as it is: it
/// is found again when its lease runs out.
async fn undo(floor: &Floor, job: &Held, cx: &Cx, ops: AsyncOps, why: (u16, String)) -> Result<()> {
    let mut tries = 0;
    let debt = loop {
        match (ops.undo)(cx.clone(), job.plan.clone()).await {
            Ok(()) => break None,
            Err(error) if !may_pass(&error) => break Some(error),
            Err(_) if tries < 2 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(200 << tries)).await;
            }
            Err(error) if job.attempt < ATTEMPTS => return Err(error),
            Err(error) => break Some(error),
        }
    };
    match debt {
        None => finish(floor, job, Outcome::Failed(why.0, why.1)).await,
        Some(error) => debts::owe(floor.wiring.as_ref(), job, ops, why, &error).await,
    }
}

/// Whether the same may succeed later: the database was away, or somebody was faster.
const fn may_pass(error: &Error) -> bool {
    matches!(error, Error::Stopping(_) | Error::LostRace(_) | Error::Conflict(_))
}

async fn finish(floor: &Floor, job: &Held, outcome: Outcome) -> Result<()> {
    let lease = job.lease(floor.wiring.server);
    let ours =
        floor.wiring.db.txn("job ends", move |tx| store::job::finish(tx, &lease, &outcome)).await?;
    if !ours {
        tracing::warn!("another server took this job over");
    }
    Ok(())
}
