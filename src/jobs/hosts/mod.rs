//! The keeper of hosts: opens every host in the books, keeps their states true, and compares what they show with what
//! the books say.
//!
//! One task reads the books once a round for all hosts together (three statements, however many there are) and hands
//! each host's task its part. A host that shows what it showed before costs no statement at all; what a host says by
//! itself (its connection, a domain, a device) is looked at when it is said.
//!
//! Every server keeps every host over a connection of its own: its jobs and requests need that connection anyway, and
//! what the keeper writes is conditional on what it read, so what two servers see is written once.

mod instances;
mod pools;
mod watch;

use crate::{
    command::{
        Wiring,
        host_link::{HostDriver, address},
        inventory::Memory,
    },
    domain::{Id, id},
    error::Result,
    store::{debt, host, vm},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle, JoinSet},
    time::sleep,
};
use watch::Watch;

/// How often, and how patient.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Time between two rounds.
    pub round: Duration,
    /// How long a host may be away before it is Down instead of Disconnected.
    pub grace: Duration,
    /// How long a host gets to answer.
    pub answer: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            round: Duration::from_secs(30),
            grace: Duration::from_secs(60),
            answer: Duration::from_secs(20),
        }
    }
}

/// What the books say of one host in this round.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Its row.
    pub(super) host: host::Host,
    /// The instances that are on it.
    pub(super) placed: Vec<vm::Placed>,
    /// Whether it owes a clean-up, or devices are on their way back to it.
    pub(super) owes: bool,
}

/// A host that is being watched.
struct Kept {
    driver: Arc<dyn HostDriver>,
    tell: mpsc::Sender<Round>,
    task: AbortHandle,
}

/// What all hosts' tasks share.
pub(super) struct Shared {
    pub(super) wiring: Arc<Wiring>,
    pub(super) pace: Pace,
    pub(super) memory: Memory,
}

/// Keeps the hosts until it is aborted.
pub fn start(wiring: Arc<Wiring>, pace: Pace) -> JoinHandle<()> {
    tokio::spawn(async move {
        let shared = Arc::new(Shared { wiring, pace, memory: Memory::default() });
        let mut kept = HashMap::new();
        let mut tasks = JoinSet::new(); // ends them when this task ends
        loop {
            if let Err(error) = round(&shared, &mut kept, &mut tasks).await {
                tracing::warn!(%error, "cannot read which hosts there are");
            }
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                () = sleep(pace.round) => {}
                () = shared.wiring.nudge.reconcile_wanted() => {}
            }
        }
    })
}

async fn round(
    shared: &Arc<Shared>,
    kept: &mut HashMap<Id<id::Host>, Kept>,
    tasks: &mut JoinSet<()>,
) -> Result<()> {
    let read = |conn: &mut crate::store::Conn| {
        Ok((host::all(conn)?, vm::placed(conn, None)?, debt::debtors(conn)?))
    };
    let (hosts, placed, debtors) = shared.wiring.db.read(read).await?;
    let alive: HashSet<Id<id::Host>> = hosts.iter().map(|host| host.id).collect();
    kept.retain(|id, host| {
        let stays = alive.contains(id);
        if !stays {
            host.task.abort();
            shared.wiring.hosts.close(*id);
        }
        stays
    });
    let debtors: HashSet<Id<id::Host>> = debtors.into_iter().collect();
    let mut by_host: HashMap<Id<id::Host>, Vec<vm::Placed>> = HashMap::new();
    for one in placed {
        if let Some(host) = one.host {
            by_host.entry(host).or_default().push(one);
        }
    }
    for host in hosts {
        let id = host.id;
        let round = Round {
            placed: by_host.remove(&id).unwrap_or_default(),
            owes: debtors.contains(&id),
            host,
        };
        hand(shared, kept, tasks, round);
    }
    Ok(())
}

/// Gives a host's task its part, and starts the task when the host is new or connected anew.
fn hand(
    shared: &Arc<Shared>,
    kept: &mut HashMap<Id<id::Host>, Kept>,
    tasks: &mut JoinSet<()>,
    round: Round,
) {
    let id = round.host.id;
    let driver = match shared.wiring.hosts.ensure_open(&address(&round.host)) {
        Ok(driver) => driver,
        Err(error) => {
            tracing::warn!(host = round.host.name, %error, "a host in the books cannot be opened");
            return;
        }
    };
    let same = |host: &&mut Kept| Arc::ptr_eq(&host.driver, &driver) && !host.task.is_finished();
    if let Some(host) = kept.get_mut(&id).filter(same) {
        let _ = host.tell.try_send(round); // a host that is still busy with the last round skips this one
        return;
    }
    if let Some(before) = kept.remove(&id) {
        before.task.abort();
    }
    let (tell, told) = mpsc::channel(1);
    let watch = Watch::new(Arc::clone(shared), Arc::clone(&driver), round);
    let task = tasks.spawn(watch.run(told));
    kept.insert(id, Kept { driver, tell, task });
}
