//! The hosts of each zone in memory: a deploy reads what changed since this server last looked, not the zone.
//!
//! What is kept here is never trusted. It proposes; the claim takes a host only at the generation that is known of it
//! ([`gpu_claim::seize`](super::gpu_claim::seize)), and before anybody is refused the zone is compared for certain.
//! Whatever changes what a host offers moves its generation ([`host::touch`](super::host::touch)), on whichever server.
//!
//! Who looks asks for the hosts that changed since the last look. A change is stamped when it is made and seen when it
//! is committed, so a look reaches back a little, every second further, and now and then all generations are compared.
//! One looks at a time; who comes meanwhile goes on with what is known. The statements must come before the asker's
//! transaction writes to hosts, or what is not committed would be remembered.

use super::{
    Conn, Tx,
    placement::{self, Depth, Reach, Spot, Standing},
};
use crate::{
    domain::{
        Id, Time, id,
        placement::{Candidate, Choice, Demand, Fleet, Mix, PoolRoom, Refusal},
    },
    error::Result,
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// A look is as good as new for so long: less than a request takes.
const FRESH: Duration = Duration::from_millis(2);
/// And for so many times as long as it took, since under load each look reads what this server did itself; but no longer
/// than that. What another server took meanwhile costs a second try.
const SHARE: u32 = 20;
const STALE: Duration = Duration::from_millis(25);
/// How far a look reaches back, for transactions that took a moment.
const SHORT: Duration = Duration::from_millis(100);
/// How far every now and then, for those that waited for locks.
const LONG: Duration = Duration::from_secs(10);
/// How often that is.
const LONG_EVERY: Duration = Duration::from_secs(1);
/// How often everything is compared, and the pools are read.
const ALL_EVERY: Duration = Duration::from_secs(15);
/// More hosts than this are read as a zone.
const MANY: usize = 512;

/// All zones.
#[derive(Debug, Default)]
pub struct Fleets(Mutex<HashMap<Id<id::Zone>, Arc<ZoneFleet>>>);

impl Fleets {
    /// The hosts of a zone; none are known before the first look.
    pub fn of(&self, zone: Id<id::Zone>, mix: Mix) -> Arc<ZoneFleet> {
        let mut zones = lock(&self.0);
        let new = || Arc::new(ZoneFleet::new(zone, mix));
        Arc::clone(zones.entry(zone).or_insert_with(new))
    }

    /// Those zones that were asked for.
    pub fn all(&self) -> Vec<Arc<ZoneFleet>> {
        lock(&self.0).values().cloned().collect()
    }
}

/// The hosts of one zone.
pub struct ZoneFleet {
    zone: Id<id::Zone>,
    known: Mutex<Known>,
    /// Held by who looks.
    looking: Mutex<()>,
    /// How many rows of hosts and pools were read so far.
    rows: AtomicU64,
}

/// What is known of a zone.
struct Known {
    fleet: Fleet,
    generations: HashMap<Id<id::Host>, i64>,
    /// Hosts that are not what they were believed to be.
    doubted: HashSet<Id<id::Host>>,
    /// Hosts that a transaction of this server is about to take.
    busy: HashSet<Id<id::Host>>,
    /// What the database's clock said, and when.
    clock: Option<(Time, Instant)>,
    /// When the last look of each kind began.
    looked: Option<Instant>,
    looked_long: Option<Instant>,
    looked_at_all: Option<Instant>,
    /// For how long the last look is as good as new.
    fresh: Duration,
}

/// How a zone is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// At what changed since then.
    Since(Time),
    /// At every generation, and at the pools.
    All,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ZoneFleet {
    fn new(zone: Id<id::Zone>, mix: Mix) -> Self {
        let known = Known {
            fleet: Fleet::new(mix),
            generations: HashMap::new(),
            doubted: HashSet::new(),
            busy: HashSet::new(),
            clock: None,
            looked: None,
            looked_long: None,
            looked_at_all: None,
            fresh: FRESH,
        };
        Self { zone, known: Mutex::new(known), looking: Mutex::new(()), rows: AtomicU64::new(0) }
    }

    /// Learns what changed. One statement when nothing did, three more for hosts that did; more rarely, one for pools.
    pub fn look(&self, conn: &mut Conn) -> Result<()> {
        let _one_at_a_time = match self.looking.try_lock() {
            Ok(looking) => looking,
            Err(_) if lock(&self.known).looked.is_some() => return Ok(()),
            Err(_) => lock(&self.looking),
        };
        let look = {
            let mut known = lock(&self.known);
            let is_fresh = known.looked.is_some_and(|looked| looked.elapsed() < known.fresh);
            if is_fresh && known.doubted.is_empty() {
                return Ok(());
            }
            known.next_look()
        };
        self.look_at(conn, look)
    }

    /// [`ZoneFleet::look`], begun after this was called: what was committed before is known, but for what took longer
    /// than a look reaches back.
    pub fn look_anew(&self, conn: &mut Conn) -> Result<()> {
        let came = Instant::now();
        let _one_at_a_time = lock(&self.looking);
        let look = {
            let mut known = lock(&self.known);
            if known.looked.is_some_and(|looked| looked >= came) {
                return Ok(());
            }
            known.next_look()
        };
        self.look_at(conn, look)
    }

    /// Compares every generation and reads the pools: after this nothing that was committed before is unknown.
    pub fn look_at_all(&self, conn: &mut Conn) -> Result<()> {
        let came = Instant::now();
        let _one_at_a_time = lock(&self.looking);
        if lock(&self.known).looked_at_all.is_some_and(|looked| looked >= came) {
            return Ok(());
        }
        self.look_at(conn, Look::All)
    }

    fn look_at(&self, conn: &mut Conn, look: Look) -> Result<()> {
        let began = Instant::now();
        let since = match look {
            Look::Since(since) => Some(since),
            Look::All => None,
        };
        let standings = placement::standings(conn, self.zone, since)?;
        let pools = match look {
            Look::Since(_) => None,
            Look::All => Some(placement::pools(conn, self.zone)?),
        };
        let changed = lock(&self.known).changed(&standings, look);
        let spots = self.read(conn, &changed)?;
        let rows = standings.len() + spots.len() + pools.as_ref().map_or(0, Vec::len);
        self.rows.fetch_add(rows as u64, Relaxed);
        let mut known = lock(&self.known);
        known.forget_gone(&standings, look);
        known.learn(&changed, spots);
        if let Some(pools) = pools {
            known.set_pools(&pools);
        }
        if let Some(standing) = standings.first() {
            known.clock = Some((standing.now, began));
        }
        known.looked = Some(began);
        known.fresh = (began.elapsed() * SHARE).clamp(FRESH, STALE);
        if look == Look::All {
            known.looked_at_all = Some(began);
        }
        Ok(())
    }

    fn read(&self, conn: &mut Conn, changed: &[Id<id::Host>]) -> Result<Vec<Spot>> {
        match changed.len() {
            0 => Ok(Vec::new()),
            few if few <= MANY => {
                placement::candidates(conn, self.zone, Some(changed), Depth::Slices)
            }
            _ => placement::candidates(conn, self.zone, None, Depth::Slices),
        }
    }

    /// The best place that nobody of this server is about to take, and how it looks. It is taken by nobody else of this
    /// server while the offer lives.
    pub fn offer(self: &Arc<Self>, demand: &Demand) -> Option<Offer> {
        let mut known = lock(&self.known);
        let Known { fleet, busy, .. } = &mut *known;
        let (choices, at) = fleet.pick(demand, |host| !busy.contains(&host))?;
        let host = choices[at].host;
        let (seen, generation) = known.get(host)?;
        known.busy.insert(host);
        Some(Offer { fleet: Arc::clone(self), choices, at, seen, generation })
    }

    /// The best places, or why there is none; a refusal is only as good as the last look.
    pub fn choose(&self, demand: &Demand) -> Result<Vec<Choice>, Refusal> {
        lock(&self.known).fleet.choose(demand)
    }

    /// Asks all hosts something else.
    pub fn ask<T>(&self, question: impl FnOnce(&mut Fleet) -> T) -> T {
        question(&mut lock(&self.known).fleet)
    }

    /// A host as it was last seen, with its generation.
    pub fn get(&self, host: Id<id::Host>) -> Option<(Candidate, i64)> {
        lock(&self.known).get(host)
    }

    /// How many rows of hosts and pools were read so far: for tests that pin the cost of a request.
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    /// The hosts that are known otherwise than they are read now: none, if everything that changes a host moves its
    /// generation. For tests.
    pub fn differing(&self, conn: &mut Conn) -> Result<Vec<(Option<Candidate>, Candidate)>> {
        self.look_at_all(conn)?;
        let now = placement::candidates(conn, self.zone, None, Depth::Slices)?;
        let known = lock(&self.known);
        let differs = |spot: Spot| {
            let kept = known.fleet.get(spot.candidate.host);
            let same_time = known.generations.get(&spot.candidate.host) == Some(&spot.generation);
            (same_time && kept != Some(&spot.candidate))
                .then(|| (kept.cloned(), spot.candidate.clone()))
        };
        Ok(now.into_iter().filter_map(differs).collect())
    }

    /// What is known of this host is wrong: it is read again with the next look.
    pub fn doubt(&self, host: Id<id::Host>) {
        let mut known = lock(&self.known);
        known.generations.remove(&host);
        known.doubted.insert(host);
    }
}

impl Known {
    fn get(&self, host: Id<id::Host>) -> Option<(Candidate, i64)> {
        Some((self.fleet.get(host)?.clone(), *self.generations.get(&host)?))
    }

    fn next_look(&mut self) -> Look {
        let now = Instant::now();
        let is_over = |then: Option<Instant>, every| then.is_none_or(|then| now - then >= every);
        let (Some((clock, at)), Some(looked)) = (self.clock, self.looked) else { return Look::All };
        if is_over(self.looked_at_all, ALL_EVERY) {
            return Look::All;
        }
        let reach = match is_over(self.looked_long, LONG_EVERY) {
            true => {
                self.looked_long = Some(now);
                LONG
            }
            false => SHORT,
        };
        // the database's clock at the last look
        Look::Since(clock + looked.saturating_duration_since(at) - reach)
    }

    /// Those that are not known as they are.
    fn changed(&self, standings: &[Standing], look: Look) -> Vec<Id<id::Host>> {
        // of a host that is being taken the transaction that takes it will tell
        let is_news = |it: &&Standing| match self.generations.get(&it.id) {
            Some(known) => {
                *known != it.generation && (look == Look::All || !self.busy.contains(&it.id))
            }
            None => true,
        };
        let news = standings.iter().filter(|it| it.is_alive).filter(is_news).map(|it| it.id);
        let mut changed: Vec<_> = news.chain(self.doubted.iter().copied()).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    fn forget_gone(&mut self, standings: &[Standing], look: Look) {
        let gone: Vec<Id<id::Host>> = match look {
            Look::Since(_) => standings.iter().filter(|it| !it.is_alive).map(|it| it.id).collect(),
            Look::All => {
                let alive: HashSet<_> = standings.iter().map(|it| it.id).collect();
                self.generations.keys().copied().filter(|id| !alive.contains(id)).collect()
            }
        };
        gone.into_iter().for_each(|host| self.remove(host));
    }

    /// What was read of the hosts that changed; of those that are not there any more, nothing.
    fn learn(&mut self, changed: &[Id<id::Host>], spots: Vec<Spot>) {
        let found: HashSet<_> = spots.iter().map(|spot| spot.candidate.host).collect();
        changed.iter().filter(|host| !found.contains(host)).for_each(|host| self.remove(*host));
        for spot in spots {
            self.doubted.remove(&spot.candidate.host);
            self.put(spot.candidate, spot.generation);
        }
    }

    /// A host as it is at this generation, unless a later one is known.
    fn put(&mut self, candidate: Candidate, generation: i64) {
        let host = candidate.host;
        if self.generations.get(&host).is_none_or(|known| *known < generation) {
            self.generations.insert(host, generation);
            self.fleet.put(candidate);
        }
    }

    fn remove(&mut self, host: Id<id::Host>) {
        self.doubted.remove(&host);
        self.generations.remove(&host);
        self.fleet.remove(host);
    }

    fn set_pools(&mut self, pools: &[Reach]) {
        let mut of_host: HashMap<Id<id::Host>, Vec<&PoolRoom>> = HashMap::new();
        let mut of_many = Vec::new();
        for pool in pools {
            match pool.host {
                Some(host) => of_host.entry(host).or_default().push(&pool.room),
                None => of_many.push((pool.cluster, &pool.room)),
            }
        }
        self.fleet.set_pools(|candidate| {
            let mut reached = of_host.get(&candidate.host).cloned().unwrap_or_default();
            let serves =
                |cluster: &Option<_>| cluster.is_none() || *cluster == candidate.class.cluster;
            reached.extend(of_many.iter().filter(|(it, _)| serves(it)).map(|(_, room)| *room));
            reached.sort_by_key(|room| room.id);
            reached
        });
    }
}

impl fmt::Debug for ZoneFleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneFleet").field("zone", &self.zone).finish_non_exhaustive()
    }
}

/// A place that is offered to one transaction of this server.
#[derive(Debug)]
pub struct Offer {
    fleet: Arc<ZoneFleet>,
    /// The best places, best first.
    pub choices: Vec<Choice>,
    /// Which of them is offered.
    at: usize,
    /// The host as it is at that generation.
    pub seen: Candidate,
    /// The generation.
    pub generation: i64,
}

impl Offer {
    /// Where, and what is to be taken there.
    pub fn choice(&self) -> &Choice {
        &self.choices[self.at]
    }

    /// The host is not what it was believed to be.
    pub fn refuse(self) {
        self.fleet.doubt(self.choice().host);
    }

    /// The host was seized and the choice taken in this transaction: once it is committed, that is known.
    pub fn accept(self, tx: &mut Tx<'_>, demand: &Demand) {
        let (memory, mhz) = (demand.memory, u64::from(demand.vcpus) * u64::from(demand.mhz));
        let bound = demand.bound(self.choice());
        tx.after_commit(move || {
            let mut after = self.seen.clone();
            after.free_memory = after.free_memory.saturating_sub(memory);
            after.free_mhz = after.free_mhz.saturating_sub(mhz);
            after.bind(&bound);
            // slices are made devices by the claim: such a host is read with the next look
            if after.hold(&self.choice().picks) {
                lock(&self.fleet.known).put(after, self.generation + 1);
            }
        });
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        lock(&self.fleet.known).busy.remove(&self.choice().host);
    }
}
