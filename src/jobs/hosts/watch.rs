//! One host's task: whether it answers, what it says, and its part of each round.

use super::{Round, Shared, instances, pools};
use crate::{
    command::{
        host_link::{CONNECTING, HostDriver, HostEvent, Link},
        inventory,
    },
    domain::{Kind, alert::HOST, infra::HostState},
    error::{Error, Result},
    jobs::call_in,
    store::{Tx, alert, host, template},
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

/// How long to gather what a host says before it is looked at.
const GATHER: Duration = Duration::from_millis(300);
/// In so many rounds the pools are measured once.
const POOLS_EVERY: u32 = 10;

/// The task of one host.
pub(super) struct Watch {
    shared: Arc<Shared>,
    driver: Arc<dyn HostDriver>,
    round: Round,
    /// When the host will be Down, while it is away.
    down_at: Option<Instant>,
    /// When to look, because the host said something.
    look_at: Option<Instant>,
    /// Whether it has answered since this task began.
    is_greeted: bool,
    rounds: u32,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, driver: Arc<dyn HostDriver>, round: Round) -> Self {
        let (down_at, look_at) = (None, None);
        Self { shared, driver, round, down_at, look_at, is_greeted: false, rounds: 0 }
    }

    /// Watches until the host is closed.
    pub(super) async fn run(mut self, mut told: mpsc::Receiver<Round>) {
        let mut events = self.driver.events();
        self.see(self.driver.link()).await;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(HostEvent::Link(link)) => self.see(link).await,
                    Some(HostEvent::Domain(_) | HostEvent::Devices) => {
                        self.look_at.get_or_insert(Instant::now() + GATHER);
                    }
                    None => return,
                },
                round = told.recv() => match round {
                    Some(round) => {
                        self.round = round;
                        self.see(self.driver.link()).await;
                        if self.is_up() { self.work(false).await; }
                    }
                    None => return,
                },
                () = until(self.look_at) => {
                    self.look_at = None;
                    if self.is_up() { self.work(true).await; }
                }
                () = until(self.down_at) => {
                    self.down_at = None;
                    if let Link::Down(why) = self.driver.link() {
                        self.set(HostState::Down, Some(&why)).await;
                    }
                }
            }
        }
    }

    fn is_up(&self) -> bool {
        self.round.host.state == HostState::Up
    }

    /// What the connection is now.
    async fn see(&mut self, link: Link) {
        match link {
            Link::Up => self.came_back().await,
            Link::Down(why) => self.went_away(&why).await,
        }
    }

    /// Away for a short while is Disconnected; a host key that changed will not change back.
    async fn went_away(&mut self, why: &str) {
        let is_refusal = why.contains("ssh host key");
        if is_refusal {
            self.down_at = None;
            self.set(HostState::Down, Some(why)).await;
            return;
        }
        if self.down_at.is_none() && self.round.host.state != HostState::Down {
            self.down_at = Some(Instant::now() + self.shared.pace.grace);
        }
        if why == CONNECTING && !self.is_greeted {
            return; // nothing is known yet
        }
        match self.round.host.state {
            HostState::Down => self.set(HostState::Down, Some(why)).await,
            _ => self.set(HostState::Disconnected, Some(why)).await,
        }
    }

    async fn came_back(&mut self) {
        self.down_at = None;
        if self.is_greeted && self.is_up() {
            return;
        }
        let is_first = !self.is_greeted;
        let facts = match self.answer(self.driver.probe()).await {
            Ok(facts) => facts,
            Err(error) => return self.went_away(&reason(&error)).await,
        };
        if facts.identity != self.round.host.identity {
            let why = format!(
                "another machine answers at {}: {} instead of {}",
                self.round.host.uri, facts.identity, self.round.host.identity
            );
            return self.set(HostState::Error, Some(&why)).await;
        }
        self.is_greeted = true;
        let size = host::Size::from(&facts);
        if size != self.round.host.size() {
            let id = self.round.host.id;
            let resize = move |tx: &mut Tx<'_>| host::resize(tx, id, &size);
            self.note(self.shared.wiring.db.txn("host size", resize).await, "its size");
        }
        self.set(HostState::Up, None).await;
        if is_first && self.round.host.is_test_driver() {
            self.start_again().await;
        }
        self.work(true).await;
    }

    /// The domains and disks of the test driver live in the process: the last one's are gone.
    async fn start_again(&self) {
        let id = self.round.host.id;
        let forget = move |tx: &mut Tx<'_>| template::forget_copies_on(tx, id);
        self.note(self.shared.wiring.db.txn("simulated host", forget).await, "its templates");
        let done = instances::start_again(&self.shared, &self.round, &*self.driver).await;
        self.note(done, "its instances");
    }

    /// Compares the host with the books. `is_fresh`: the round's part is old, so the books are read again.
    async fn work(&mut self, is_fresh: bool) {
        let (shared, id) = (Arc::clone(&self.shared), self.round.host.id);
        let wiring = &shared.wiring;
        if self.round.owes || is_fresh {
            self.note(call_in(wiring, id).await.map(drop), "its debts");
            self.note(instances::give_back(&shared, id).await, "what is given back");
        }
        if is_fresh {
            let seen = self.answer(inventory::refresh(wiring, id)).await;
            self.note(seen.map(drop), "its devices");
            let read =
                move |conn: &mut crate::store::Conn| crate::store::vm::placed(conn, Some(id));
            match wiring.db.read(read).await {
                Ok(placed) => self.round.placed = placed,
                Err(error) => return self.note::<()>(Err(error), "its instances"),
            }
        } else {
            let generation = self.round.host.generation;
            let look = inventory::refresh_if_changed(wiring, &shared.memory, id, generation);
            let seen = self.answer(look).await;
            if let Err(Error::Unreachable { why, .. }) = &seen {
                return self.went_away(&why.clone()).await;
            }
            self.note(seen.map(drop), "its devices");
        }
        let compared = self.answer(instances::compare(&shared, &self.round, &*self.driver)).await;
        self.note(compared, "its instances");
        let turn = inventory::turn(self.round.host.id, POOLS_EVERY);
        if self.rounds == 0 || self.rounds % POOLS_EVERY == turn {
            let measured = self.answer(pools::measure(&shared, &self.round.host, &*self.driver));
            let measured = measured.await;
            self.note(measured, "its pools");
        }
        self.rounds = self.rounds.wrapping_add(1);
    }

    /// An answer of the host, or that there is none.
    async fn answer<T>(&self, asked: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.shared.pace.answer;
        timeout(limit, asked).await.unwrap_or_else(|_| {
            Err(Error::Unreachable {
                host: self.round.host.name.clone(),
                why: format!("it did not answer within {} seconds", limit.as_secs()),
            })
        })
    }

    fn note<T>(&self, outcome: Result<T>, what: &str) {
        if let Err(error) = outcome {
            let name = &self.round.host.name;
            tracing::warn!(host = name, %error, source = ?std::error::Error::source(&error), "could not look after {what}");
        }
    }

    /// Writes the state down, if it is news, with an alert while the host is away.
    async fn set(&mut self, state: HostState, reason: Option<&str>) {
        let row = &self.round.host;
        if row.state == state && row.state_reason.as_deref() == reason {
            return;
        }
        let (id, name, text) = (row.id, row.name.clone(), reason.map(str::to_owned));
        let written = self
            .shared
            .wiring
            .db
            .txn("host state", move |tx| {
                if !host::set_state(tx, id, state, text.as_deref())? {
                    return Ok(());
                }
                match state {
                    HostState::Up => alert::resolve(tx, HOST, id.uuid()),
                    HostState::Down | HostState::Error => {
                        let why = text.as_deref().unwrap_or("it does not answer");
                        let words = format!("host {name} is {state}: {why}");
                        alert::raise(tx, HOST, &words, (Kind::Host, id.uuid()))
                    }
                    HostState::Disconnected | HostState::Connecting => Ok(()),
                }
            })
            .await;
        if written.is_ok() {
            tracing::info!(host = row.name, %state, reason, "host");
            self.round.host.state = state;
            self.round.host.state_reason = reason.map(str::to_owned);
        }
        self.note(written, "its state");
    }
}

/// What is said of a host that did not answer.
fn reason(error: &Error) -> String {
    match error {
        Error::Unreachable { why, .. } => why.clone(),
        error => error.to_string(),
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
