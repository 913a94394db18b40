//! Why no host can meet a demand, in numbers, and what would fit instead.
//!
//! Everybody learns which demand failed and what the nearest one is; how many hosts there are and what is wrong with
//! them is for administrators.

use super::{
    Candidate, Demand, NumaPolicy, Policy, Stock, Why, choose,
    rank::{Alternative, cpu_why_not, host_why_not},
    stock,
};
use crate::domain::machine::{Bytes, MIB};
use std::collections::BTreeMap;

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
    pub(super) fn explain(candidates: &[Candidate], demand: &Demand) -> Self {
        let asked = candidates.iter().filter(|c| demand.host.is_none_or(|h| h == c.host));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut hosts = 0;
        let mut open = Vec::new();
        for candidate in asked {
            hosts += 1;
            let why = host_why_not(candidate, demand);
            if why.is_none() {
                open.push(Open::new(candidate, demand));
            }
            let why = why.or_else(|| open.last().and_then(|o: &Open<'_>| o.gpu_why_not(demand)));
            let why = why.or_else(|| cpu_why_not(candidate, demand));
            *counts.entry(why.unwrap_or_else(|| "changed meanwhile".into())).or_default() += 1;
        }
        let mut reasons: Vec<(String, usize)> = counts.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self { wanted: wanted(demand), hosts, reasons, nearest: nearest(&open, demand) }
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
        let all: Vec<String> = self.nearest.iter().map(Nearest::text).collect();
        format!("what would fit: {}", all.join(", or "))
    }
}

impl Nearest {
    fn text(&self) -> String {
        match self {
            Self::AnyNode { name, count } => {
                format!("{count} x {name} without the same NUMA node being required")
            }
            Self::Fewer { name, count } => format!("{count} x {name}"),
            Self::Smaller { name, count, vcpus, memory } => {
                let of =
                    if name.is_empty() { String::new() } else { format!("{count} x {name} with ") };
                format!("{of}at most {vcpus} CPUs and {} MiB of memory", memory / MIB)
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

/// A host against which nothing speaks but its devices, CPUs and memory.
struct Open<'a> {
    candidate: &'a Candidate,
    /// For each alternative.
    stocks: Vec<Stock>,
}

impl<'a> Open<'a> {
    fn new(candidate: &'a Candidate, demand: &Demand) -> Self {
        let of = |a: &Alternative| stock(&candidate.devices, &candidate.rooms, a.profile);
        Self { candidate, stocks: demand.alternatives.iter().map(of).collect() }
    }

    fn fits(&self, alternative: usize, count: u32, policy: Policy) -> bool {
        self.stocks.get(alternative).is_some_and(|s| choose(&s.free, count, policy).is_some())
    }

    /// What stands in the way of the alternative that comes nearest; `None`: one of them fits.
    fn gpu_why_not(&self, demand: &Demand) -> Option<String> {
        let policy = demand.policy();
        let all = || demand.alternatives.iter().zip(&self.stocks);
        if all().any(|(a, s)| choose(&s.free, a.count, policy).is_some()) {
            return None;
        }
        // the share that is free, compared without fractions
        let nearer = |x: &(&Alternative, &Stock), y: &(&Alternative, &Stock)| {
            let (x, y) =
                ((x.1.free.len(), x.0.count as usize), (y.1.free.len(), y.0.count as usize));
            (y.0 * x.1).cmp(&(x.0 * y.1))
        };
        let (alternative, stock) = all().min_by(nearer)?;
        Some(stock_why_not(stock, alternative.count, policy))
    }
}

fn stock_why_not(stock: &Stock, count: u32, policy: Policy) -> String {
    let wanted = count as usize;
    let free = stock.free.len();
    if free >= wanted {
        let anywhere = Policy { numa: NumaPolicy::Ignored, ..policy };
        return match choose(&stock.free, count, anywhere) {
            Some(_) => "too few free GPUs on one NUMA node".into(),
            None => "GPUs of one IOMMU group cannot be given one by one".into(),
        };
    }
    let mut counts: BTreeMap<&Why, usize> = BTreeMap::new();
    for why in stock.rest.iter().filter(|why| **why != Why::Held) {
        *counts.entry(why).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(why, n)| (**n, std::cmp::Reverse(**why)));
    match most {
        Some((why, _)) if free + counts.values().sum::<usize>() >= wanted => why.text(),
        _ if free + stock.rest.len() == 0 => "no such GPU".into(),
        _ if free + stock.rest.len() < wanted => "too few GPUs".into(),
        _ => Why::Held.text(),
    }
}

fn nearest(open: &[Open<'_>], demand: &Demand) -> Vec<Nearest> {
    let policy = demand.policy();
    let roomy: Vec<&Open<'_>> =
        open.iter().filter(|o| cpu_why_not(o.candidate, demand).is_none()).collect();
    let mut found = Vec::new();
    if policy.numa == NumaPolicy::Required {
        let anywhere = Policy { numa: NumaPolicy::Preferred, ..policy };
        let is_there =
            |n: usize, a: &Alternative| roomy.iter().any(|o| o.fits(n, a.count, anywhere));
        let first = (demand.alternatives.iter().enumerate()).find(|(n, a)| is_there(*n, a));
        found.extend(first.map(|(_, a)| Nearest::AnyNode { name: a.name.clone(), count: a.count }));
    }
    found.extend(smaller(open, demand));
    for (n, alternative) in demand.alternatives.iter().enumerate() {
        let most = roomy.iter().filter_map(|o| o.stocks.get(n)).map(|s| s.free.len()).max();
        let most = u32::try_from(most.unwrap_or_default()).unwrap_or(u32::MAX);
        let below = (1..alternative.count.min(most.saturating_add(1))).rev();
        let fits = |count: &u32| roomy.iter().any(|o| o.fits(n, *count, policy));
        if let Some(count) = below.into_iter().find(fits) {
            found.push(Nearest::Fewer { name: alternative.name.clone(), count });
            break;
        }
    }
    found
}

/// Where the devices are there and only CPUs or memory are not: the largest machine that fits beside them.
fn smaller(open: &[Open<'_>], demand: &Demand) -> Option<Nearest> {
    let room = |o: &Open<'_>| {
        let by_speed = o.candidate.free_mhz / u64::from(demand.mhz.max(1));
        let vcpus =
            u32::try_from(by_speed).unwrap_or(u32::MAX).min(o.candidate.cores).min(demand.vcpus);
        (vcpus, o.candidate.free_memory.min(demand.memory))
    };
    let best = |fitting: &mut dyn Iterator<Item = &Open<'_>>| {
        fitting.map(room).filter(|(vcpus, memory)| *vcpus > 0 && *memory >= MIB).max()
    };
    if demand.alternatives.is_empty() {
        let (vcpus, memory) = best(&mut open.iter())?;
        return Some(Nearest::Smaller { name: String::new(), count: 0, vcpus, memory });
    }
    demand.alternatives.iter().enumerate().find_map(|(n, a)| {
        let (vcpus, memory) =
            best(&mut open.iter().filter(|o| o.fits(n, a.count, demand.policy())))?;
        Some(Nearest::Smaller { name: a.name.clone(), count: a.count, vcpus, memory })
    })
}
