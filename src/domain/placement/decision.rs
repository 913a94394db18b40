//! What was decided for an instance and why, kept with it as JSON: nobody has to guess later.

use super::{Choice, Cost, Demand, NumaPolicy, Packing, Refusal};
use crate::domain::{Id, gpu::Pick, id};
use serde::{Deserialize, Serialize};

/// How many of the other possible hosts are remembered.
pub(super) const OTHERS: usize = 3;

/// What was decided at a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The host.
    pub host: Id<id::Host>,
    /// Which GPUs; none when none were asked.
    pub gpus: Option<Gpus>,
    /// How many hosts were looked at.
    pub hosts: usize,
    /// The next best hosts, or better ones that somebody else was just taking from.
    pub others: Vec<Other>,
    /// Hosts that its affinity groups ruled out.
    pub ruled_out: usize,
}

/// The GPUs of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpus {
    /// Card and profile, in words.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Which alternative of the offering, from 1.
    pub alternative: usize,
    /// How many alternatives there are.
    pub alternatives: usize,
    /// Why the alternatives before it were passed over.
    pub passed_over: Option<String>,
    /// The devices; a slice that is made for it is named by its GPU.
    pub devices: Vec<Id<id::GpuDevice>>,
    /// Their NUMA nodes, as far as they are known.
    pub numa_nodes: Vec<u32>,
    /// What was asked of NUMA nodes.
    pub numa: NumaPolicy,
    /// Whether to pack or to spread.
    pub packing: Packing,
    /// What the set costs.
    pub score: Score,
}

/// What sets of devices are compared by; see [`Cost`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// NUMA nodes.
    pub nodes: u32,
    /// PCIe switches or roots.
    pub places: u32,
    /// GPUs that get their first slice.
    pub opened: u32,
    /// Slices beside it on the same GPUs.
    pub crowding: u32,
    /// What fits no longer afterwards.
    pub damage: u32,
}

/// A host that would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// The host.
    pub host: Id<id::Host>,
    /// What its set would cost.
    pub score: Score,
    /// Why not this one.
    pub why: String,
}

impl From<Cost> for Score {
    fn from(cost: Cost) -> Self {
        let Cost { nodes, places, opened, crowding, damage } = cost;
        Self { nodes, places, opened, crowding, damage }
    }
}

impl Decision {
    /// What was taken, of choices that are in order of preference among so many hosts.
    pub fn new(demand: &Demand, taken: &Choice, choices: &[Choice], hosts: usize) -> Self {
        let place = choices.iter().position(|choice| choice.host == taken.host);
        let place = place.unwrap_or(choices.len());
        let (before, after) = choices.split_at(place);
        let busy = |choice: &Choice| {
            Other::new(choice, "better, but another instance was being placed there")
        };
        let beaten = |choice: &Choice| Other::new(choice, why_not(demand, taken, choice));
        let others = before.iter().map(busy).chain(after.iter().skip(1).map(beaten));
        Self {
            host: taken.host,
            gpus: Gpus::new(demand, taken),
            hosts,
            others: others.take(OTHERS).collect(),
            ruled_out: demand.affinity.never.len(),
        }
    }

    /// The alternatives before it could not be met.
    pub fn passed_over(&mut self, refusal: &Refusal) {
        if let Some(gpus) = &mut self.gpus {
            gpus.passed_over = Some(refusal.for_admins());
        }
    }

    /// In one sentence that names no host.
    pub fn sentence(&self) -> String {
        let Some(gpus) = &self.gpus else { return "no GPUs were asked".to_owned() };
        let nodes: Vec<String> = gpus.numa_nodes.iter().map(ToString::to_string).collect();
        let on = match nodes.as_slice() {
            [] => String::new(),
            [node] => format!(" on NUMA node {node}"),
            many => format!(" on NUMA nodes {}", many.join(", ")),
        };
        let of = match (gpus.alternative, gpus.alternatives) {
            (_, 1) => String::new(),
            (1, all) => format!(", the first of {all} alternatives"),
            (n, all) => format!(", alternative {n} of {all}: those before it were not to be had"),
        };
        format!("{} x {}{on}{of}", gpus.count, gpus.name)
    }
}

impl Gpus {
    fn new(demand: &Demand, taken: &Choice) -> Option<Self> {
        let (name, count, place) = match taken.alternative {
            Some(place) => {
                let asked = demand.alternatives.get(place)?;
                (asked.name.clone(), asked.count, place)
            }
            None if demand.exact.is_empty() => return None,
            None => ("GPU that was named".to_owned(), taken.picks.len() as u32, 0),
        };
        let device = |pick: &Pick| match pick {
            Pick::Device(id) | Pick::Slice { gpu: id, .. } => *id,
        };
        Some(Self {
            name,
            count,
            alternative: place + 1,
            alternatives: demand.alternatives.len().max(1),
            passed_over: None,
            devices: taken.picks.iter().map(device).collect(),
            numa_nodes: taken.numa_nodes.clone(),
            numa: demand.numa,
            packing: demand.packing,
            score: taken.cost.into(),
        })
    }
}

impl Other {
    fn new(choice: &Choice, why: impl Into<String>) -> Self {
        Self { host: choice.host, score: choice.cost.into(), why: why.into() }
    }
}

/// In what a host was worse than the one that was taken.
fn why_not(demand: &Demand, taken: &Choice, other: &Choice) -> &'static str {
    let (a, b) = (&taken.cost, &other.cost);
    if demand.wish(taken.host) < demand.wish(other.host) {
        "its affinity groups would rather not"
    } else if a.nodes < b.nodes {
        "on more NUMA nodes"
    } else if a.places < b.places {
        "behind more PCIe switches"
    } else if a.opened < b.opened {
        "would cut a GPU that is whole"
    } else if a.damage < b.damage {
        "would leave less room for others"
    } else {
        match demand.packing {
            Packing::Pack => "as good, but less filled",
            Packing::Spread => "as good, but more filled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};
    use crate::domain::placement::{Candidate, Mix, rank};

    #[test]
    fn a_decision_says_what_was_taken_and_what_instead() {
        let mut begun = host(2, 1..=8);
        for n in [0, 1, 2, 3] {
            begun.devices[n].standing.is_held = true;
        }
        let hosts: Vec<Candidate> = vec![host(1, 1..=8), begun, host(3, 1..=8)];
        let demand = want(2);
        let choices = rank(hosts, &demand, Mix::default()).unwrap();
        let said = Decision::new(&demand, &choices[0], &choices, 3);
        assert_eq!((said.host, said.others.len(), said.hosts), (choices[0].host, 2, 3));
        assert!(said.others.iter().all(|other| other.why == "would leave less room for others"));
        let taken = said.gpus.as_ref().unwrap();
        assert_eq!((taken.alternative, taken.count, taken.devices.len()), (1, 2, 2));
        let text = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), said);
        // the best was busy
        let said = Decision::new(&demand, &choices[1], &choices, 3);
        assert_eq!(said.others[0].host, choices[0].host);
        assert!(said.others[0].why.starts_with("better, but"));
    }
}
