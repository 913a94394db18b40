//! Which host: the first alternative that fits anywhere, on the hosts where it does least harm.

use super::{Chosen, Cost, HostDevice, NumaPolicy, Packing, Policy, Refusal, memo::Memo, stock};
use crate::domain::{
    Id,
    gpu::{Pick, claim::Room},
    id,
    machine::Bytes,
};

/// How many choices are handed out: enough to try again when somebody was faster.
const CHOICES: usize = 16;

/// What one more NUMA node costs, in damage. An instance on two nodes is worth avoiding, but not at the price of an
/// untouched host for a pair of devices.
const NODE: u32 = 12;

/// What one more switch costs, in damage.
const PLACE: u32 = 1;

/// What the first slice of a whole GPU costs, in damage.
const OPENED: u32 = 8;

/// A host that may be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The host.
    pub host: Id<id::Host>,
    /// Why it takes nobody, in a few words that are equal on equal cases: `disabled`, `in maintenance`, `unreachable`.
    pub blocker: Option<String>,
    /// Logical CPUs.
    pub cores: u32,
    /// CPU capacity that is not promised, in MHz, over-provisioning included.
    pub free_mhz: u64,
    /// Memory that is not promised, over-provisioning included.
    pub free_memory: Bytes,
    /// Its tags.
    pub tags: Vec<String>,
    /// All its devices.
    pub devices: Vec<HostDevice>,
    /// What its GPUs can be cut into.
    pub rooms: Vec<Room>,
}

/// What an instance asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Virtual CPUs.
    pub vcpus: u32,
    /// MHz of each.
    pub mhz: u32,
    /// Memory.
    pub memory: Bytes,
    /// Tags that its host must have.
    pub tags: Vec<String>,
    /// Acceptable GPUs, the preferred first; empty: none are asked.
    pub alternatives: Vec<Alternative>,
    /// About NUMA nodes.
    pub numa: NumaPolicy,
    /// Close together or far apart.
    pub packing: Packing,
    /// The host that an administrator asked for.
    pub host: Option<Id<id::Host>>,
    /// Hosts that were tried in vain.
    pub avoid: Vec<Id<id::Host>>,
}

/// So many devices of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The profile.
    pub profile: Id<id::VgpuProfile>,
    /// Card and profile in words, for refusals: `NVIDIA A100 passthrough`.
    pub name: String,
    /// How many.
    pub count: u32,
}

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
}

impl Demand {
    /// What it says about where devices may be.
    pub const fn policy(&self) -> Policy {
        Policy { numa: self.numa, packing: self.packing }
    }
}

/// The best ways to meet a demand, best first, all of one alternative; or why there is none. The order depends on
/// nothing but the arguments' content.
pub fn rank(candidates: &[Candidate], demand: &Demand) -> Result<Vec<Choice>, Refusal> {
    let fitting: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| host_why_not(c, demand).is_none() && cpu_why_not(c, demand).is_none())
        .collect();
    let mut choices = Vec::new();
    if demand.alternatives.is_empty() {
        choices = fitting.iter().map(|c| without_gpus(c, demand)).collect();
    }
    for (n, alternative) in demand.alternatives.iter().enumerate() {
        let mut memo = Memo::new(alternative.count, demand.policy());
        choices = fitting
            .iter()
            .filter_map(|c| with_gpus(c, demand, n, alternative, &mut memo))
            .collect();
        if !choices.is_empty() {
            break;
        }
    }
    if choices.is_empty() {
        return Err(Refusal::explain(candidates, demand));
    }
    choices.sort_unstable_by_key(|(key, choice)| (*key, choice.host));
    Ok(choices.into_iter().take(CHOICES).map(|(_, choice)| choice).collect())
}

/// Compared in order, smaller is better.
type Key = [u64; 4];

/// Hosts without GPUs first: they cannot serve anybody else's demand for them.
fn without_gpus(candidate: &Candidate, demand: &Demand) -> (Key, Choice) {
    let has_gpus = u64::from(!candidate.devices.is_empty());
    let key = match demand.packing {
        Packing::Pack => [has_gpus, candidate.free_memory, candidate.free_mhz, 0],
        Packing::Spread => [has_gpus, !candidate.free_memory, !candidate.free_mhz, 0],
    };
    let host = candidate.host;
    let choice = Choice {
        host,
        alternative: None,
        picks: vec![],
        numa_nodes: vec![],
        cost: Cost::default(),
    };
    (key, choice)
}

fn with_gpus(
    candidate: &Candidate,
    demand: &Demand,
    n: usize,
    alternative: &Alternative,
    memo: &mut Memo,
) -> Option<(Key, Choice)> {
    let stock = stock(&candidate.devices, &candidate.rooms, alternative.profile);
    let free = stock.free.len() as u64;
    let Chosen { picks, cost, numa_nodes } = memo.choose(stock.free)?;
    let key = match demand.packing {
        Packing::Pack => [score(&cost), free, candidate.free_memory, 0],
        Packing::Spread => [cost.nodes.into(), cost.places.into(), !free, !candidate.free_memory],
    };
    let host = candidate.host;
    Some((key, Choice { host, alternative: Some(n), picks, numa_nodes, cost }))
}

/// Topology and fragmentation in one number.
fn score(cost: &Cost) -> u64 {
    let Cost { nodes, places, opened, crowding: _, damage } = *cost;
    let topology = nodes.saturating_sub(1) * NODE + places.saturating_sub(1) * PLACE;
    u64::from(topology + opened * OPENED + damage)
}

/// What speaks against a host before anything is counted.
pub(super) fn host_why_not(candidate: &Candidate, demand: &Demand) -> Option<String> {
    let missing: Vec<&str> =
        demand.tags.iter().filter(|t| !candidate.tags.contains(t)).map(String::as_str).collect();
    if demand.host.is_some_and(|h| h != candidate.host) {
        Some("not the host that was asked for".into())
    } else if let Some(blocker) = &candidate.blocker {
        Some(blocker.clone())
    } else if !missing.is_empty() {
        Some(format!("without the tag {}", missing.join(", ")))
    } else if demand.avoid.contains(&candidate.host) {
        Some("tried in vain".into())
    } else {
        None
    }
}

/// What is wrong with CPUs and memory.
pub(super) fn cpu_why_not(candidate: &Candidate, demand: &Demand) -> Option<String> {
    if demand.vcpus > candidate.cores {
        Some("too few CPUs".into())
    } else if u64::from(demand.vcpus) * u64::from(demand.mhz) > candidate.free_mhz {
        Some("too little CPU free".into())
    } else if demand.memory > candidate.free_memory {
        Some("too little memory free".into())
    } else {
        None
    }
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
