//! Hosts that look alike get the same answer: a fleet of thousands has a few hundred shapes of free devices.
//!
//! A shape is the list of free devices in order of their picks, with nodes, places, GPUs and groups numbered as they
//! appear. The best choice depends on nothing else, so it is found once for each shape and kept as positions.

use super::choose::{Chosen, Cost, FreeDevice, Policy, choose};
use std::collections::HashMap;

/// What distinguishes a device from its neighbours.
type Shape = [u32; 5];

/// Answers for one demand, by shape.
#[derive(Debug)]
pub(super) struct Memo {
    count: u32,
    policy: Policy,
    known: HashMap<Vec<Shape>, Option<(Cost, Vec<usize>)>>,
}

impl Memo {
    pub(super) fn new(count: u32, policy: Policy) -> Self {
        Self { count, policy, known: HashMap::new() }
    }

    /// As [`choose`].
    pub(super) fn choose(&mut self, mut free: Vec<FreeDevice>) -> Option<Chosen> {
        if free.len() < self.count as usize {
            return None;
        }
        free.sort_by_key(|d| d.pick);
        let (count, policy) = (self.count, self.policy);
        let known = self.known.entry(shape(&free)).or_insert_with(|| {
            let chosen = choose(&free, count, policy)?;
            // equal picks are slices of one GPU and as good as each other: each stands for one position
            let mut rest = chosen.picks.iter().peekable();
            let taken =
                free.iter().enumerate().filter(|(_, d)| rest.next_if_eq(&&d.pick).is_some());
            Some((chosen.cost, taken.map(|(n, _)| n).collect()))
        });
        let (cost, positions) = known.as_ref()?;
        let mut numa_nodes: Vec<u32> =
            positions.iter().filter_map(|&n| free[n].numa_node).collect();
        numa_nodes.sort_unstable();
        numa_nodes.dedup();
        let picks = positions.iter().map(|&n| free[n].pick).collect();
        Some(Chosen { picks, cost: *cost, numa_nodes })
    }
}

fn shape(free: &[FreeDevice]) -> Vec<Shape> {
    let mut seen = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let one = |d: &FreeDevice| {
        [
            number(&mut seen.0, d.numa_node),
            number(&mut seen.1, d.place),
            number(&mut seen.2, d.gpu),
            d.gpu_load,
            number(&mut seen.3, d.unit),
        ]
    };
    free.iter().map(one).collect()
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

#[cfg(test)]
mod tests {
    use super::{super::choose::tests::any_host, *};
    use crate::domain::placement::{NumaPolicy, Packing};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_remembered_is_what_would_be_found(
            hosts in proptest::collection::vec(any_host(5), 1..12),
            count in 1u32..5,
        ) {
            let policy = Policy { numa: NumaPolicy::Preferred, packing: Packing::Pack };
            let mut memo = Memo::new(count, policy);
            for free in hosts.iter().chain(&hosts) {
                prop_assert_eq!(memo.choose(free.clone()), choose(free, count, policy));
            }
        }
    }
}
