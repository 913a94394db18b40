//! Hosts that look alike get the same answer: a fleet of thousands has a few hundred looks.
//!
//! What a host has of one profile looks like its list of free devices in order of their picks, with nodes, places, GPUs
//! and groups numbered as they appear, its fabric, and the reasons why the rest is not free. The best choice depends on
//! nothing else, so it is found once for each look and kept as positions in that list.

use super::{
    Narrow, NumaPolicy, Stock, Why,
    choose::{Chosen, Cost, FreeDevice, Policy, choose},
};
use crate::domain::gpu::Fabric;

/// What distinguishes a device from its neighbours.
type Trait = [u32; 6];

/// What makes two stocks alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Look {
    free: Vec<Trait>,
    fabric: Fabric,
    rest: Vec<(Why, u32)>,
}

/// The best set, as positions in the list of free devices.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) cost: Cost,
    positions: Vec<usize>,
    /// Its nodes, by their place among the nodes of the look.
    pub(super) nodes: Vec<usize>,
}

/// What is asked of a look; with in how many parts it must be for each node, where one does not hold all of it.
type Question = (u32, Policy, Vec<u32>);

/// One look, with what was found out about it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    sample: Vec<FreeDevice>,
    fabric: Fabric,
    rest: Vec<(Why, u32)>,
    /// The NUMA nodes of the sample, in order of appearance.
    nodes: Vec<u32>,
    answers: Vec<(Question, Option<Answer>)>,
    sets: Vec<(Question, u32)>,
}

/// Sorts what is free, and says what it looks like.
pub(super) fn look(stock: &mut Stock, fabric: &Fabric) -> Look {
    stock.free.sort_by_key(|d| d.pick);
    let mut seen = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let one = |d: &FreeDevice| {
        [
            number(&mut seen.0, d.numa_node),
            number(&mut seen.1, d.place),
            number(&mut seen.2, d.gpu),
            d.gpu_load,
            number(&mut seen.3, d.unit),
            d.module.map_or(0, u32::from),
        ]
    };
    let free: Vec<Trait> = stock.free.iter().map(one).collect();
    let is_wired = free.iter().any(|d| d[5] > 0);
    let fabric = if is_wired { fabric.clone() } else { Fabric::default() };
    stock.rest.sort_unstable();
    let mut rest: Vec<(Why, u32)> = Vec::new();
    for why in &stock.rest {
        match rest.last_mut() {
            Some((last, count)) if last == why => *count += 1,
            _ => rest.push((why.clone(), 1)),
        }
    }
    Look { free, fabric, rest }
}

/// The NUMA nodes of devices in order of appearance: hosts of one look differ in what they call them.
pub(super) fn nodes(free: &[FreeDevice]) -> Vec<u32> {
    let mut nodes = Vec::new();
    for node in free.iter().filter_map(|device| device.numa_node) {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    nodes
}

/// Numbers things from 1 as they appear; 0 is none.
fn number<T: PartialEq>(seen: &mut Vec<T>, item: Option<T>) -> u32 {
    let Some(item) = item else { return 0 };
    let known = seen.iter().position(|s| *s == item);
    let position = known.unwrap_or_else(|| {
        seen.push(item);
        seen.len() - 1
    });
    position as u32 + 1
}

impl Known {
    pub(super) fn new(look: &Look, sample: Vec<FreeDevice>) -> Self {
        let (fabric, rest) = (look.fabric.clone(), look.rest.clone());
        let nodes = nodes(&sample);
        Self { sample, fabric, rest, nodes, answers: Vec::new(), sets: Vec::new() }
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.sample.len()
    }

    /// How many there are, free or not.
    pub(super) fn total(&self) -> usize {
        self.free() + self.rest.iter().map(|(_, n)| *n as usize).sum::<usize>()
    }

    /// The best set on a host that looks so.
    pub(super) fn answer(&mut self, count: u32, policy: Policy) -> Option<&Answer> {
        self.answer_split(count, policy, &[])
    }

    /// The same where the demand must be in so many parts for each node of the look.
    pub(super) fn answer_split(
        &mut self,
        count: u32,
        policy: Policy,
        parts: &[u32],
    ) -> Option<&Answer> {
        if self.sample.len() < count as usize {
            return None;
        }
        // a set is on one node for each of its devices at most; more parts than that are all the same
        let most = if policy.numa == NumaPolicy::Required { 1 } else { count };
        let parts: Vec<u32> = parts.iter().map(|n| if *n > most { u32::MAX } else { *n }).collect();
        let is_known = |((n, p, s), _): &(Question, Option<Answer>)| {
            *n == count && *p == policy && *s == parts
        };
        let at = match self.answers.iter().position(is_known) {
            Some(at) => at,
            None => {
                let narrow = self.narrow(&parts);
                let found = find(&self.sample, &self.fabric, count, policy, &narrow, &self.nodes);
                self.answers.push(((count, policy, parts), found));
                self.answers.len() - 1
            }
        };
        self.answers[at].1.as_ref()
    }

    /// In the words of the sample.
    fn narrow(&self, parts: &[u32]) -> Narrow {
        Narrow::new(self.nodes.iter().copied().zip(parts.iter().copied()))
    }

    /// How many sets of so many devices can be had one after the other; counted once.
    pub(super) fn sets(&mut self, count: u32, policy: Policy, parts: &[u32]) -> u32 {
        let is_known =
            |((n, p, s), _): &&(Question, u32)| *n == count && *p == policy && s == parts;
        if let Some((_, sets)) = self.sets.iter().find(is_known) {
            return *sets;
        }
        let sets = self.count_sets(count, policy, &self.narrow(parts));
        self.sets.push(((count, policy, parts.to_vec()), sets));
        sets
    }

    fn count_sets(&self, count: u32, policy: Policy, narrow: &Narrow) -> u32 {
        let mut free = self.sample.clone();
        let mut sets = 0;
        while let Some(chosen) = choose(&free, &self.fabric, count, policy, narrow) {
            sets += 1;
            for pick in chosen.picks {
                if let Some(at) = free.iter().position(|device| device.pick == pick) {
                    free.remove(at);
                }
            }
        }
        sets
    }

    /// Why so many cannot be had on a host that looks so.
    pub(super) fn why_not(&mut self, count: u32, policy: Policy) -> String {
        let wanted = count as usize;
        let free = self.sample.len();
        if free >= wanted {
            let anywhere = Policy { numa: NumaPolicy::Ignored, ..policy };
            let why = match (self.answer(count, anywhere).is_some(), self.fabric.is_empty()) {
                (true, _) => "too few free GPUs on one NUMA node",
                (false, false) => "without a free partition of wired GPUs of that size",
                (false, true) => "GPUs of one IOMMU group cannot be given one by one",
            };
            return why.to_owned();
        }
        let others = self.rest.iter().filter(|(why, _)| *why != Why::Held);
        let most = others.clone().max_by_key(|(why, n)| (*n, std::cmp::Reverse(why)));
        let rest: usize = self.rest.iter().map(|(_, n)| *n as usize).sum();
        let unfit: usize = others.map(|(_, n)| *n as usize).sum();
        match most {
            Some((why, _)) if free + unfit >= wanted => why.text(),
            _ if free + rest == 0 => "no such GPU".into(),
            _ if free + rest < wanted => "too few GPUs".into(),
            _ => Why::Held.text(),
        }
    }
}

fn find(
    free: &[FreeDevice],
    fabric: &Fabric,
    count: u32,
    policy: Policy,
    narrow: &Narrow,
    nodes: &[u32],
) -> Option<Answer> {
    let chosen = choose(free, fabric, count, policy, narrow)?;
    // equal picks are slices of one GPU and as good as each other: each stands for one position
    let mut rest = chosen.picks.iter().peekable();
    let taken = free.iter().enumerate().filter(|(_, d)| rest.next_if_eq(&&d.pick).is_some());
    let place = |node: &u32| nodes.iter().position(|it| it == node);
    Some(Answer {
        cost: chosen.cost,
        positions: taken.map(|(n, _)| n).collect(),
        nodes: chosen.numa_nodes.iter().filter_map(place).collect(),
    })
}

impl Answer {
    /// The same on this host; its list is sorted.
    pub(super) fn on(&self, free: &[FreeDevice]) -> Chosen {
        let of = || self.positions.iter().filter_map(|&n| free.get(n));
        let mut numa_nodes: Vec<u32> = of().filter_map(|d| d.numa_node).collect();
        numa_nodes.sort_unstable();
        numa_nodes.dedup();
        Chosen { picks: of().map(|d| d.pick).collect(), cost: self.cost, numa_nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::choose::tests::any_host, *};
    use crate::domain::placement::{Mix, Packing};
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_remembered_is_what_would_be_found(
            hosts in proptest::collection::vec(any_host(5), 1..12),
            count in 1u32..5,
            parts in proptest::collection::vec(1u32..4, 3),
        ) {
            let (numa, packing) = (NumaPolicy::Preferred, Packing::Pack);
            let policy = Policy { numa, packing, mix: Mix::default() };
            let none = Fabric::default();
            let mut known: HashMap<Look, Known> = HashMap::new();
            for free in hosts.iter().chain(&hosts) {
                let mut stock = Stock { free: free.clone(), rest: vec![] };
                let look = look(&mut stock, &none);
                let known = known
                    .entry(look.clone())
                    .or_insert_with(|| Known::new(&look, stock.free.clone()));
                let names = nodes(&stock.free);
                let parts = &parts[..names.len().min(3)];
                let narrow = Narrow::new(names.into_iter().zip(parts.iter().copied()));
                let found = known.answer_split(count, policy, parts);
                let found = found.map(|answer| answer.on(&stock.free));
                prop_assert_eq!(found, choose(free, &none, count, policy, &narrow));
            }
        }
    }
}
