//! Why no host can meet a demand, in numbers, and what would fit instead.
//!
//! Everybody learns which demand failed and what the nearest one is; how many hosts there are and what is wrong with
//! them is for administrators.

use super::{
    Alternative, Demand, Fleet, Load, NumaPolicy, Policy, Shape,
    fleet::{Group, Places},
};
use crate::domain::{
    Id, id,
    machine::{Bytes, MIB},
};
use std::collections::{BTreeMap, BTreeSet};

/// No host can meet the demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked, in words.
    pub wanted: Box<str>,
    /// How many hosts were looked at.
    pub hosts: usize,
    /// How many of them for which reason, the most frequent first.
    pub reasons: Vec<(String, usize)>,
    /// The same by hosts of like shape.
    pub classes: Vec<HostClass>,
    /// What would fit now.
    pub nearest: Vec<Nearest>,
    /// How many instances of each shape still fit, of each profile that was asked; filled by who asks for it.
    pub left: Vec<(String, Vec<Shape>)>,
}

/// Hosts of like shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostClass {
    /// What they have: `8 x NVIDIA A100 passthrough`, `64 CPUs`.
    pub shape: String,
    /// How many.
    pub hosts: usize,
    /// How many of them for which reason, the most frequent first.
    pub reasons: Vec<(String, usize)>,
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
        let mut refusal = Self {
            wanted: wanted(demand).into(),
            hosts: 0,
            reasons: Vec::new(),
            classes: Vec::new(),
            nearest: Vec::new(),
            left: Vec::new(),
        };
        let mut shapes = Shapes::default();
        let mut open = Vec::new();
        for (group, hosts) in groups {
            let blocked = &classes[group.class];
            if blocked.is_none() {
                open.push(group);
            }
            if demand.alternatives.is_empty() {
                refusal.add_plain(fleet, group, demand, blocked.as_deref());
                continue;
            }
            let class = shapes.find(&mut refusal.classes, fleet, group, demand);
            if let Some(why) = blocked {
                refusal.add(why, hosts, class);
                continue;
            }
            let mut rest = hosts;
            for (why, count) in by_name(fleet, group, demand) {
                refusal.add(why, count, class);
                rest -= count;
            }
            match gpu_why_not(fleet, group, demand) {
                Some(why) => refusal.add(&why, rest, class),
                None => refusal.add_by_room(fleet, group, demand, class),
            }
        }
        refusal.nearest = nearest(fleet, &open, demand);
        refusal
    }

    /// So many more hosts of this class for this reason.
    fn add(&mut self, why: &str, hosts: usize, class: usize) {
        if hosts == 0 {
            return;
        }
        self.hosts += hosts;
        count(&mut self.reasons, why, hosts);
        let class = &mut self.classes[class];
        class.hosts += hosts;
        count(&mut class.reasons, why, hosts);
    }

    /// So many more hosts that were not asked at all.
    pub(super) fn add_others(&mut self, why: &str, hosts: usize) {
        if hosts > 0 {
            let class = class_of(&mut self.classes, "other hosts".to_owned());
            self.add(why, hosts, class);
        }
    }

    /// Hosts that are asked for no GPUs: each has its own reason, and its CPUs are its shape.
    fn add_plain(&mut self, fleet: &Fleet, group: Group, demand: &Demand, blocked: Option<&str>) {
        let mut counts: BTreeMap<(u32, &str), usize> = BTreeMap::new();
        for host in fleet.groups.get(&group).into_iter().flat_map(Places::hosts) {
            let Some(candidate) = fleet.get(*host) else { continue };
            let why = blocked.or_else(|| demand.host_why_not(*host));
            let why = why.or_else(|| demand.room_why_not(candidate)).unwrap_or("changed meanwhile");
            *counts.entry((candidate.cores, why)).or_default() += 1;
        }
        for ((cores, why), hosts) in counts {
            let class = class_of(&mut self.classes, format!("{cores} CPUs"));
            self.add(why, hosts, class);
        }
    }

    /// Hosts that have the devices: what else is missing.
    fn add_by_room(&mut self, fleet: &mut Fleet, group: Group, demand: &Demand, class: usize) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for host in hosts_of(fleet, &[group]) {
            let Some(candidate) = fleet.get(host) else { continue };
            if demand.host_why_not(host).is_none() {
                let why = demand.room_why_not(candidate);
                let why = why.or_else(|| fleet.node_why_not(host, demand));
                *counts.entry(why.unwrap_or("changed meanwhile")).or_default() += 1;
            }
        }
        counts.into_iter().for_each(|(why, count)| self.add(why, count, class));
    }

    /// The text for administrators.
    pub fn for_admins(&self) -> String {
        let hosts = match self.hosts {
            0 => "there is no host to ask".to_owned(),
            1 => format!("1 host: {}", reasons(&self.reasons)),
            many => format!("{many} hosts: {}", reasons(&self.reasons)),
        };
        let mut text =
            format!("no host can give {}: {hosts}; {}", self.wanted, self.nearest_text());
        if self.classes.len() > 1 {
            let one = |class: &HostClass| {
                format!("{} with {}: {}", class.hosts, class.shape, reasons(&class.reasons))
            };
            let all: Vec<String> = self.classes.iter().map(one).collect();
            text = format!("{text}; by kind of host: {}", all.join("; "));
        }
        for (name, shapes) in &self.left {
            let one = |shape: &Shape| format!("{} of {}", shape.anywhere, shape.count);
            let all: Vec<String> = shapes.iter().map(one).collect();
            text = format!("{text}; instances that still fit: {} x {name}", all.join(", "));
        }
        text
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

/// Reasons in one line.
fn reasons(counts: &[(String, usize)]) -> String {
    let one = |(reason, hosts): &(String, usize)| format!("{hosts} {reason}");
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// So many more for this reason; the most frequent comes first.
fn count(counts: &mut Vec<(String, usize)>, why: &str, hosts: usize) {
    match counts.iter_mut().find(|(reason, _)| reason == why) {
        Some((_, count)) => *count += hosts,
        None => counts.push((why.to_owned(), hosts)),
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}

/// The class of this shape, perhaps a new one.
fn class_of(classes: &mut Vec<HostClass>, shape: String) -> usize {
    if let Some(known) = classes.iter().position(|class| class.shape == shape) {
        return known;
    }
    classes.push(HostClass { shape, hosts: 0, reasons: Vec::new() });
    classes.len() - 1
}

/// How many devices of each alternative hosts have, and the class that is. Numbers are compared, words are made once.
#[derive(Debug, Default)]
struct Shapes(Vec<(Vec<usize>, usize)>);

impl Shapes {
    fn find(
        &mut self,
        classes: &mut Vec<HostClass>,
        fleet: &mut Fleet,
        group: Group,
        demand: &Demand,
    ) -> usize {
        let has = |a: &Alternative| fleet.known(group, a.profile).map_or(0, |known| known.total());
        let numbers: Vec<usize> = demand.alternatives.iter().map(has).collect();
        if let Some((_, class)) = self.0.iter().find(|(known, _)| *known == numbers) {
            return *class;
        }
        let mut parts: Vec<String> = Vec::new();
        for (a, number) in demand.alternatives.iter().zip(&numbers) {
            let part = format!("{number} x {}", a.name);
            if *number > 0 && !parts.contains(&part) {
                parts.push(part);
            }
        }
        let shape = if parts.is_empty() { "no such GPU".to_owned() } else { parts.join(" and ") };
        let class = class_of(classes, shape);
        self.0.push((numbers, class));
        class
    }
}

/// What is asked, in words.
pub(super) fn wanted(demand: &Demand) -> String {
    let one = |a: &Alternative| format!("{} x {}", a.count, a.name);
    let gpus: Vec<String> = match demand.exact.as_slice() {
        [] => demand.alternatives.iter().map(one).collect(),
        exact => {
            let names: Vec<String> = exact.iter().map(ToString::to_string).collect();
            vec![names.join(" and ")]
        }
    };
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

/// All hosts of these groups.
fn hosts_of(fleet: &Fleet, groups: &[Group]) -> Vec<Id<id::Host>> {
    let places = groups.iter().filter_map(|group| fleet.groups.get(group));
    places.flat_map(Places::hosts).copied().collect()
}

/// Whether some host of the groups has these devices, CPUs and memory.
fn is_there(fleet: &mut Fleet, open: &[Group], demand: &Demand, of: &Alternative) -> bool {
    let mut seats = |group| fleet.seats(demand, Some(of), ([0; 3], group), |_| true, 1);
    open.iter().any(|group| !seats(*group).is_empty())
}

fn nearest(fleet: &mut Fleet, open: &[Group], demand: &Demand) -> Vec<Nearest> {
    let mut found = Vec::new();
    if demand.numa == NumaPolicy::Required {
        let anywhere = Demand { numa: NumaPolicy::Preferred, ..demand.clone() };
        let first = demand.alternatives.iter().find(|a| is_there(fleet, open, &anywhere, a));
        found.extend(first.map(|a| Nearest::AnyNode { name: a.name.clone(), count: a.count }));
    }
    found.extend(smaller(fleet, open, demand));
    for alternative in &demand.alternatives {
        let of = |group: &Group| fleet.known(*group, alternative.profile).map(|k| k.free());
        let most = open.iter().filter_map(of).max();
        let most = u32::try_from(most.unwrap_or_default()).unwrap_or(u32::MAX);
        let mut below = (1..alternative.count.min(most.saturating_add(1))).rev();
        let mut fits = |count: &u32| {
            let fewer = Alternative { count: *count, ..alternative.clone() };
            is_there(fleet, open, demand, &fewer)
        };
        if let Some(count) = below.find(&mut fits) {
            found.push(Nearest::Fewer { name: alternative.name.clone(), count });
            break;
        }
    }
    found
}

/// Where the devices are there and only CPUs or memory are not: the largest machine that fits beside them.
fn smaller(fleet: &mut Fleet, open: &[Group], demand: &Demand) -> Option<Nearest> {
    if demand.alternatives.is_empty() {
        let (vcpus, memory) = largest(fleet, open, demand, None)?;
        return Some(Nearest::Smaller { name: String::new(), count: 0, vcpus, memory });
    }
    let policy = demand.policy(fleet.mix());
    demand.alternatives.iter().find_map(|a| {
        let with: Vec<Group> =
            open.iter().copied().filter(|g| fits(fleet, *g, a, a.count, policy)).collect();
        let (vcpus, memory) = largest(fleet, &with, demand, Some(a))?;
        Some(Nearest::Smaller { name: a.name.clone(), count: a.count, vcpus, memory })
    })
}

/// The most CPUs, then the most memory, that a host of these groups has, up to what is asked.
fn largest(
    fleet: &mut Fleet,
    groups: &[Group],
    demand: &Demand,
    of: Option<&Alternative>,
) -> Option<(u32, Bytes)> {
    let (policy, asked) = (demand.policy(fleet.mix()), demand.load());
    let (mut less, mut most) = (demand.clone(), None);
    let is_bound = of.is_some() || !demand.kept.is_empty();
    for host in hosts_of(fleet, groups) {
        let Some(candidate) = fleet.get(host) else { continue };
        if demand.host_why_not(host).is_some() {
            continue;
        }
        let memory = demand.most_memory(candidate);
        let room = asked.within(candidate.cores, candidate.free_mhz, memory);
        let sizes: Vec<Load> = match demand.numa {
            NumaPolicy::Required if is_bound && !candidate.nodes.is_empty() => {
                let nodes = candidate.nodes.iter();
                nodes.map(|node| room.within(node.cpus, node.free_mhz, node.free_memory)).collect()
            }
            _ => vec![room],
        };
        for load in sizes {
            let size = Some((load.vcpus, load.memory));
            let is_more = load.vcpus > 0 && load.memory >= MIB && size > most;
            (less.vcpus, less.memory) = (load.vcpus, load.memory);
            // a disk may have no room whatever the machine's size
            let has_room = || fleet.get(host).is_some_and(|it| less.room_why_not(it).is_none());
            if !is_more || !has_room() {
                continue;
            }
            if of.is_none_or(|of| fleet.answer_on(host, load, policy, of).is_some()) {
                most = size;
            }
        }
    }
    most
}
