//! What a command works with: the database, the hosts, the caller.

use super::{Registry, Settings, Spec, Throttle};
use crate::{
    domain::{Id, Kind, id, identity::Caller},
    error::Result,
    hypervisor::Hosts,
    store::{
        self, Db, Tx,
        fleet::{Fleets, ZoneFleet},
        job::Lease,
    },
};
use std::{ops::Deref, sync::Arc};
use tokio::sync::Notify;
use uuid::Uuid;

/// What lives as long as the service; made once in `main` (or by a test) and passed down.
#[derive(Debug)]
pub struct Wiring {
    /// The database.
    pub db: Db,
    /// The hosts.
    pub hosts: Arc<Hosts>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// All commands.
    pub registry: Registry,
    /// The hosts, as they offer themselves to placement.
    pub fleets: Arc<Fleets>,
    /// How often accounts have called this server.
    pub throttle: Throttle,
    /// Wakes workers.
    pub nudge: Nudge,
    /// This server's id.
    pub server: Id<id::Server>,
}

/// Wakes the workers of this process before their next turn would come.
#[derive(Debug, Default)]
pub struct Nudge {
    jobs: Notify,
    reconcile: Notify,
    finished: Notify,
    images: Notify,
}

impl Nudge {
    /// There is a new job.
    pub fn jobs(&self) {
        self.jobs.notify_one();
    }
    /// Waits for a new job.
    pub async fn job_wanted(&self) {
        self.jobs.notified().await;
    }
    /// A host should be looked at soon.
    pub fn reconcile(&self) {
        self.reconcile.notify_one();
    }
    /// Waits until a host should be looked at.
    pub async fn reconcile_wanted(&self) {
        self.reconcile.notified().await;
    }
    /// There is a file to fetch.
    pub fn images(&self) {
        self.images.notify_one();
    }
    /// Waits for a file to fetch.
    pub async fn image_wanted(&self) {
        self.images.notified().await;
    }
    /// A job of this process ended.
    pub fn finished(&self) {
        self.finished.notify_waiters();
    }
    /// Waits until any job of this process ends.
    pub async fn job_finished(&self) {
        self.finished.notified().await;
    }
}

/// The context of one command.
#[derive(Debug, Clone)]
pub struct Cx {
    wiring: Arc<Wiring>,
    /// The database; inside a worker only as long as the job's lease is held.
    pub db: Db,
    /// Who calls, or called when the job was admitted.
    pub caller: Arc<Caller>,
    /// The command.
    pub spec: &'static Spec,
    /// The job, inside a worker.
    pub job: Option<Id<id::Job>>,
}

impl Deref for Cx {
    type Target = Wiring;
    fn deref(&self) -> &Wiring {
        &self.wiring
    }
}

impl Cx {
    /// A context for a request.
    pub fn new(wiring: Arc<Wiring>, caller: Arc<Caller>, spec: &'static Spec) -> Self {
        let db = wiring.db.clone();
        Self { wiring, db, caller, spec, job: None }
    }

    /// The same for this caller.
    pub(super) fn by(self, caller: Caller) -> Self {
        Self { caller: Arc::new(caller), ..self }
    }

    /// A context for a job that this server works on.
    pub fn under(self, lease: Lease) -> Self {
        Self { db: self.db.under(lease), job: Some(lease.job), ..self }
    }

    /// The read-only part, for `admit`.
    pub fn env(&self) -> Env {
        Env { settings: Arc::clone(&self.wiring.settings), fleets: Arc::clone(&self.wiring.fleets) }
    }

    /// The service's parts.
    pub fn wiring(&self) -> &Arc<Wiring> {
        &self.wiring
    }

    /// A change with its event in the same transaction. The closure returns what it changed, for the event, and a value.
    pub async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>, &Caller) -> Result<(Option<(Kind, Uuid)>, T)> + Send + Sync + 'static,
    {
        let (caller, spec) = (Arc::clone(&self.caller), self.spec);
        self.db
            .txn(spec.name, move |tx| {
                let (subject, value) = change(tx, &caller)?;
                if let Some(kind) = spec.event {
                    store::event::record(
                        tx,
                        &caller,
                        &store::event::New::done(kind, spec.about, subject),
                    )?;
                }
                Ok(value)
            })
            .await
    }

    /// Tells those who poll what a long job is doing.
    pub async fn progress(&self, text: &str) -> Result<()> {
        let (job, text) = (self.job, text.to_owned());
        match job {
            Some(job) => {
                self.db.txn("job progress", move |tx| store::job::progress(tx, job, &text)).await
            }
            None => Ok(()),
        }
    }
}

/// The read-only snapshot that `admit` sees: no host, no network.
#[derive(Debug, Clone)]
pub struct Env {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The hosts in memory: they propose, the claim decides.
    pub fleets: Arc<Fleets>,
}

impl Env {
    /// The hosts of a zone.
    pub fn fleet(&self, zone: Id<id::Zone>) -> Arc<ZoneFleet> {
        self.fleets.of(zone, self.settings.demand_mix)
    }
}

/// What an admission decided.
#[derive(Debug)]
pub struct Admitted<P> {
    /// What the job must know.
    pub plan: P,
    /// The thing the job works on: no other job runs on it at the same time.
    pub subject: Option<(Kind, Uuid)>,
    /// The id of what the command created, for the answer.
    pub created: Option<Uuid>,
    /// The event's text.
    pub describe: Option<String>,
}
