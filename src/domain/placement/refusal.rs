//! Why no host can meet a demand, in numbers, and what would fit instead.
//!
//! Everybody learns which demand failed and what the nearest one is; how many hosts there are and what is wrong with
//! them is for administrators.

use super::{Alternative, Candidate, Demand, Fleet, NumaPolicy, Policy, fleet::Group};
use crate::domain::machine::{Bytes, MIB};
use std::collections::{BTreeMap, BTreeSet};

/// No host can meet the demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked, in words.
    pub wanted: String,
    /// How many hosts were looked at.
    pub hosts: usize,
    /// How many of them for which reason, the most frequent first.
    pub reasons: Vec<(String, usize)>,
    /// What would fit now.
    pub nearest: Vec<Nearest>,
}

/// A demand that would fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nearest {
    /// The same when its devices need not sit on one NUMA node.
    AnyNode {
        /// What of.
        name: String,
        /// How many.
        count: u32,
    },
    /// The same with fewer CPUs or less memory.
    Smaller {
        /// What of; empty: no GPUs were asked.
        name: String,
        /// How many.
        count: u32,
        /// The most virtual CPUs.
        vcpus: u32,
        /// The most memory.
        memory: Bytes,
    },
    /// Fewer devices.
    Fewer {
        /// What of.
        name: String,
        /// How many.
        count: u32,
    },
}

impl Refusal {
    /// Counts reasons and looks for what would fit.
    pub(super) fn explain(fleet: &mut Fleet, demand: &Demand) -> Self {
        let classes: Vec<Option<String>> =
            fleet.classes.iter().map(|class| class.why_not(&demand.needs)).collect();
        let groups: Vec<(Group, usize)> =
            fleet.groups.iter().map(|(group, places)| (*group, places.len())).collect();
        let mut refusal =
            Self { wanted: wanted(demand), hosts: 0, reasons: Vec::new(), nearest: Vec::new() };
        let mut open = Vec::new();
        for (group, hosts) in groups {
            if let Some(why) = &classes[group.class] {
                refusal.add(why, hosts);
                continue;
            }
            open.push(group);
            let mut rest = hosts;
            for (why, count) in by_name(fleet, group, demand) {
                refusal.add(why, count);
                rest -= count;
            }
            match gpu_why_not(fleet, group, demand) {
                Some(why) => refusal.add(&why, rest),
                None => refusal.add_by_room(fleet, group, demand),
            }
        }
        refusal.nearest = nearest(fleet, &open, demand);
        refusal
    }

    /// So many more hosts for this reason.
    pub(super) fn add(&mut self, why: &str, hosts: usize) {
        if hosts == 0 {
            return;
        }
        self.hosts += hosts;
        match self.reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, count)) => *count += hosts,
            None => self.reasons.push((why.to_owned(), hosts)),
        }
        self.reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }

    /// Hosts that have the devices: what else is missing.
    fn add_by_room(&mut self, fleet: &Fleet, group: Group, demand: &Demand) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (.., host) in fleet.groups.get(&group).into_iter().flatten() {
            let Some(candidate) = fleet.get(*host) else { continue };
            if demand.host_why_not(*host).is_none() {
                let why = demand.room_why_not(candidate).unwrap_or("changed meanwhile");
                *counts.entry(why).or_default() += 1;
            }
        }
        counts.into_iter().for_each(|(why, count)| self.add(why, count));
    }

    /// The text for administrators.
    pub fn for_admins(&self) -> String {
        let count = |(reason, hosts): &(String, usize)| format!("{hosts} {reason}");
        let reasons: Vec<String> = self.reasons.iter().map(count).collect();
        let hosts = match self.hosts {
            0 => "there is no host to ask".to_owned(),
            1 => format!("1 host: {}", reasons.join(", ")),
            many => format!("{many} hosts: {}", reasons.join(", ")),
        };
        format!("no host can give {}: {hosts}; {}", self.wanted, self.nearest_text())
    }

    /// The text for everybody else.
    pub fn for_users(&self) -> String {
        format!("no host can give {} now; {}", self.wanted, self.nearest_text())
    }

    fn nearest_text(&self) -> String {
        if self.nearest.is_empty() {
            return "nothing near it fits either".into();
        }
        let all: Vec<String> = self.nearest.iter().map(Nearest::to_string).collect();
        format!("what would fit: {}", all.join(", or "))
    }
}

impl std::fmt::Display for Nearest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AnyNode { name, count } => {
                write!(f, "{count} x {name} without the same NUMA node being required")
            }
            Self::Fewer { name, count } => write!(f, "{count} x {name}"),
            Self::Smaller { name, count, vcpus, memory } => {
                let of =
                    if name.is_empty() { String::new() } else { format!("{count} x {name} with ") };
                write!(f, "{of}at most {vcpus} CPUs and {} MiB of memory", memory / MIB)
            }
        }
    }
}

fn wanted(demand: &Demand) -> String {
    let one = |a: &Alternative| format!("{} x {}", a.count, a.name);
    let gpus: Vec<String> = demand.alternatives.iter().map(one).collect();
    let machine = format!(
        "{} CPUs of {} MHz and {} MiB of memory",
        demand.vcpus,
        demand.mhz,
        demand.memory / MIB
    );
    match gpus.as_slice() {
        [] => machine,
        _ if demand.numa == NumaPolicy::Required => {
            format!("{} on one NUMA node, {machine}", gpus.join(" or "))
        }
        _ => format!("{}, {machine}", gpus.join(" or ")),
    }
}

/// Hosts of a group that are left out by name: why, how many.
fn by_name(fleet: &Fleet, group: Group, demand: &Demand) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let named: BTreeSet<_> = demand.affinity.never.iter().chain(&demand.avoid).collect();
    let here = named
        .into_iter()
        .filter(|host| fleet.hosts.get(*host).is_some_and(|entry| entry.group == group));
    for why in here.filter_map(|host| demand.host_why_not(*host)) {
        *counts.entry(why).or_default() += 1;
    }
    counts
}

/// What stands in the way of the alternative that comes nearest; `None`: one of them fits.
fn gpu_why_not(fleet: &mut Fleet, group: Group, demand: &Demand) -> Option<String> {
    if demand.alternatives.is_empty() {
        return None;
    }
    let policy = demand.policy(fleet.mix());
    let mut nearest: Option<(usize, &Alternative)> = None;
    for alternative in &demand.alternatives {
        let known = fleet.known(group, alternative.profile);
        let free = known.as_ref().map_or(0, |known| known.free());
        if known.is_some_and(|known| known.answer(alternative.count, policy).is_some()) {
            return None;
        }
        // the share that is free, compared without fractions
        let share = |free: usize, other: u32| free * other as usize;
        if nearest.is_none_or(|(n, a)| share(free, a.count) > share(n, alternative.count)) {
            nearest = Some((free, alternative));
        }
    }
    let (_, alternative) = nearest?;
    Some(match fleet.known(group, alternative.profile) {
        Some(known) => known.why_not(alternative.count, policy),
        None => "no such GPU".to_owned(),
    })
}

fn fits(fleet: &mut Fleet, group: Group, of: &Alternative, count: u32, policy: Policy) -> bool {
    fleet.known(group, of.profile).is_some_and(|known| known.answer(count, policy).is_some())
}

/// Whether some host of the groups has so many, and CPUs and memory.
fn is_there(
    fleet: &mut Fleet,
    open: &[Group],
    demand: &Demand,
    of: &Alternative,
    (count, policy): (u32, Policy),
) -> bool {
    open.iter().any(|group| {
        fits(fleet, *group, of, count, policy) && fleet.fitting(demand, *group).next().is_some()
    })
}

fn nearest(fleet: &mut Fleet, open: &[Group], demand: &Demand) -> Vec<Nearest> {
    let policy = demand.policy(fleet.mix());
    let mut found = Vec::new();
    if policy.numa == NumaPolicy::Required {
        let anywhere = Policy { numa: NumaPolicy::Preferred, ..policy };
        let first = demand
            .alternatives
            .iter()
            .find(|a| is_there(fleet, open, demand, a, (a.count, anywhere)));
        found.extend(first.map(|a| Nearest::AnyNode { name: a.name.clone(), count: a.count }));
    }
    found.extend(smaller(fleet, open, demand));
    for alternative in &demand.alternatives {
        let of = |group: &Group| fleet.known(*group, alternative.profile).map(|k| k.free());
        let most = open.iter().filter_map(of).max();
        let most = u32::try_from(most.unwrap_or_default()).unwrap_or(u32::MAX);
        let mut below = (1..alternative.count.min(most.saturating_add(1))).rev();
        let fits = |count: &u32| is_there(fleet, open, demand, alternative, (*count, policy));
        if let Some(count) = below.find(fits) {
            found.push(Nearest::Fewer { name: alternative.name.clone(), count });
            break;
        }
    }
    found
}

/// Where the devices are there and only CPUs or memory are not: the largest machine that fits beside them.
fn smaller(fleet: &mut Fleet, open: &[Group], demand: &Demand) -> Option<Nearest> {
    if demand.alternatives.is_empty() {
        let (vcpus, memory) = largest(fleet, open, demand)?;
        return Some(Nearest::Smaller { name: String::new(), count: 0, vcpus, memory });
    }
    let policy = demand.policy(fleet.mix());
    demand.alternatives.iter().find_map(|a| {
        let with: Vec<Group> =
            open.iter().copied().filter(|g| fits(fleet, *g, a, a.count, policy)).collect();
        let (vcpus, memory) = largest(fleet, &with, demand)?;
        Some(Nearest::Smaller { name: a.name.clone(), count: a.count, vcpus, memory })
    })
}

/// The most CPUs, then the most memory, that a host of these groups has, up to what is asked.
fn largest(fleet: &Fleet, groups: &[Group], demand: &Demand) -> Option<(u32, Bytes)> {
    let room = |candidate: &Candidate| {
        let by_speed = candidate.free_mhz / u64::from(demand.mhz.max(1));
        let by_speed = u32::try_from(by_speed).unwrap_or(u32::MAX);
        let vcpus = by_speed.min(candidate.cores).min(demand.vcpus);
        (vcpus, candidate.free_memory.min(demand.memory))
    };
    groups
        .iter()
        .filter_map(|group| fleet.groups.get(group))
        .flatten()
        .filter_map(|(.., host)| fleet.get(*host))
        .filter(|candidate| demand.host_why_not(candidate.host).is_none())
        .map(room)
        .filter(|(vcpus, memory)| *vcpus > 0 && *memory >= MIB)
        .max()
}
