//! How hosts are compared, and the plain way to do it: look at every one.

use super::{
    Alternative, Candidate, Chosen, Cost, Demand, Fleet, Mix, Narrow, NumaPolicy, Packing, Refusal,
    choose, damage::ONE, stock,
};
use crate::domain::{Id, gpu::Pick, id};

/// What one more NUMA node costs, in damage. An instance on two nodes is worth avoiding, but not at the price of an
/// untouched host for a pair of devices.
const NODE: u32 = 14 * ONE;

/// What one more switch costs, in damage.
const PLACE: u32 = ONE;

/// What the first slice of a whole GPU costs, in damage.
const OPENED: u32 = 8 * ONE;

/// A way to meet the demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The host.
    pub host: Id<id::Host>,
    /// Which alternative; `None`: no GPUs were asked.
    pub alternative: Option<usize>,
    /// What to claim.
    pub picks: Vec<Pick>,
    /// The NUMA nodes of these devices, as far as they are known.
    pub numa_nodes: Vec<u32>,
    /// What it costs within its host.
    pub cost: Cost,
    /// The pool for the disk; `None`: no disk was asked.
    pub pool: Option<Id<id::StoragePool>>,
}

/// Compared in order, smaller is better: the wish for this host, what its devices cost, then memory, CPU and id. Of
/// hosts that lose as much to devices that are packed the first is taken, whatever else it has: the same few hosts are
/// filled again and again, and the others stay whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    wish: u8,
    pub(super) gpus: [u64; 3],
    memory: u64,
    mhz: u64,
    host: u128,
}

impl Key {
    pub(super) fn new(demand: &Demand, gpus: [u64; 3], candidate: &Candidate) -> Self {
        let wish = demand.wish(candidate.host);
        let (memory, mhz) = (candidate.free_memory, candidate.free_mhz);
        let host = candidate.host.uuid().as_u128();
        match demand.packing {
            Packing::Pack if is_by_id(demand) => Self { wish, gpus, memory: 0, mhz: 0, host },
            Packing::Pack => Self { wish, gpus, memory, mhz, host },
            Packing::Spread => Self { wish, gpus, memory: !memory, mhz: !mhz, host: !host },
        }
    }
}

/// Whether equal hosts are taken in order of their ids.
pub(super) fn is_by_id(demand: &Demand) -> bool {
    demand.packing == Packing::Pack && !demand.alternatives.is_empty()
}

/// What a set of devices costs when hosts are compared. Packing weighs topology and fragmentation in one number and
/// then fills what is begun; spreading wants the best place on the emptiest host. A host whose nodes lack room is never
/// better for it: its key is at least that of its best set if they had room.
pub(super) fn gpu_key(demand: &Demand, cost: &Cost, free: usize) -> [u64; 3] {
    let free = free as u64;
    match demand.packing {
        Packing::Pack => [score(demand, cost), 0, 0],
        Packing::Spread => [cost.nodes.into(), cost.places.into(), !free],
    }
}

/// Hosts without GPUs first: they cannot serve anybody else's demand for them.
pub(super) fn plain_key(has_gpus: bool) -> [u64; 3] {
    [has_gpus.into(), 0, 0]
}

/// Topology and fragmentation in one number.
fn score(demand: &Demand, cost: &Cost) -> u64 {
    let Cost { nodes, places, opened, crowding: _, damage } = *cost;
    let topology = match demand.numa {
        NumaPolicy::Ignored => 0,
        _ => nodes.saturating_sub(1) * NODE + places.saturating_sub(1) * PLACE,
    };
    u64::from(topology + opened * OPENED + damage)
}

/// The best ways to meet a demand, best first, all of one alternative; or why there is none. For a few hosts; whoever
/// asks about many again and again keeps a [`Fleet`].
pub fn rank(
    candidates: impl IntoIterator<Item = Candidate>,
    demand: &Demand,
    mix: Mix,
) -> Result<Vec<Choice>, Refusal> {
    let mut fleet = Fleet::new(mix);
    candidates.into_iter().for_each(|candidate| fleet.put(candidate));
    fleet.choose(demand)
}

/// The best way, by looking at every host: the definition of what [`Fleet::choose`] answers sooner.
pub fn scan(candidates: &[Candidate], demand: &Demand, mix: Mix) -> Option<Choice> {
    let fitting: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| demand.host_why_not(c.host).is_none())
        .filter(|c| c.class.why_not(&demand.needs).is_none() && demand.room_why_not(c).is_none())
        .collect();
    if demand.alternatives.is_empty() {
        let key = |c: &Candidate| Key::new(demand, plain_key(!c.devices.is_empty()), c);
        let best = fitting.into_iter().min_by_key(|c| key(c))?;
        return Some(choice(demand, best, None, None));
    }
    demand.alternatives.iter().enumerate().find_map(|(n, alternative)| {
        let found = fitting.iter().filter_map(|c| with_gpus(c, demand, alternative, mix));
        let (_, candidate, chosen) = found.min_by_key(|(key, ..)| *key)?;
        Some(choice(demand, candidate, Some(n), Some(chosen)))
    })
}

fn with_gpus<'a>(
    candidate: &'a Candidate,
    demand: &Demand,
    alternative: &Alternative,
    mix: Mix,
) -> Option<(Key, &'a Candidate, Chosen)> {
    let free = stock(candidate, alternative.profile).free;
    let find = |narrow: &Narrow| {
        let (count, policy) = (alternative.count, demand.policy(mix));
        let chosen = choose(&free, &candidate.fabric, count, policy, narrow)?;
        Some((gpu_key(demand, &chosen.cost, free.len()), chosen))
    };
    let (least, plain) = find(&Narrow::default())?;
    let narrow = Narrow::of(demand.load(), demand.numa, &candidate.nodes);
    let (gpus, chosen) = if narrow.is_empty() { (least, plain) } else { find(&narrow)? };
    Some((Key::new(demand, gpus.max(least), candidate), candidate, chosen))
}

pub(super) fn choice(
    demand: &Demand,
    candidate: &Candidate,
    alternative: Option<usize>,
    chosen: Option<Chosen>,
) -> Choice {
    let Chosen { picks, cost, numa_nodes } = chosen.unwrap_or_default();
    let pool = demand.needs.disk.as_ref().and_then(|disk| disk.pool(candidate));
    Choice { host: candidate.host, alternative, picks, numa_nodes, cost, pool }
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
