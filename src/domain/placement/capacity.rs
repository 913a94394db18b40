//! How much still fits: instances of each shape, anywhere in a host and on one NUMA node.

use super::{Demand, Fleet, Narrow, NumaPolicy, Packing, Policy, damage::SHAPES};
use crate::domain::{Id, id};
use std::collections::HashMap;

/// Hosts that look alike: the look, the nodes to which nobody can be bound, how many.
type Alike = HashMap<(usize, Vec<u32>), u64>;

/// How many instances of one shape still fit, by their devices alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Devices of each instance.
    pub count: u32,
    /// Instances.
    pub anywhere: u64,
    /// Instances with all devices on one NUMA node that has CPUs and memory left for anybody.
    pub on_one_node: u64,
}

/// What is left of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The profile.
    pub profile: Id<id::VgpuProfile>,
    /// Devices that may be taken, on hosts that take instances.
    pub free: u64,
    /// Instances of 1, 2, 4 and 8 devices; each number stands alone.
    pub shapes: Vec<Shape>,
}

impl Fleet {
    /// What is left of every profile that any host has, in order of the profiles' ids. Hosts that take nobody count
    /// nothing; CPUs and memory are not asked.
    pub fn left(&mut self) -> Vec<Left> {
        let mut profiles: Vec<Id<id::VgpuProfile>> =
            self.stands.iter().flatten().map(|(profile, _)| *profile).collect();
        profiles.sort_unstable();
        profiles.dedup();
        profiles.into_iter().map(|profile| self.left_of(profile)).collect()
    }

    /// What is left of each profile that a demand would take, in its words and its order.
    pub fn left_for(&mut self, demand: &Demand) -> Vec<(String, Vec<Shape>)> {
        let mut seen: Vec<(Id<id::VgpuProfile>, String, Vec<Shape>)> = Vec::new();
        for alternative in &demand.alternatives {
            if !seen.iter().any(|(profile, ..)| *profile == alternative.profile) {
                let left = self.left_of(alternative.profile);
                seen.push((alternative.profile, alternative.name.clone(), left.shapes));
            }
        }
        seen.into_iter().map(|(_, name, shapes)| (name, shapes)).collect()
    }

    fn left_of(&mut self, profile: Id<id::VgpuProfile>) -> Left {
        let alike = self.alike(profile);
        let mix = self.mix();
        let mut free = 0;
        for ((look, _), hosts) in &alike {
            free += self.looked(*look).free() as u64 * hosts;
        }
        let mut sets = |count, numa| {
            let policy = Policy { numa, packing: Packing::Pack, mix };
            let mut sum = 0;
            for ((look, parts), hosts) in &alike {
                let parts = if numa == NumaPolicy::Required { &parts[..] } else { &[] };
                sum += u64::from(self.looked(*look).sets(count, policy, parts)) * hosts;
            }
            sum
        };
        let mut shape = |count| Shape {
            count,
            anywhere: sets(count, NumaPolicy::Preferred),
            on_one_node: sets(count, NumaPolicy::Required),
        };
        let shapes = SHAPES.into_iter().map(&mut shape).collect();
        Left { profile, free, shapes }
    }

    /// The hosts that take instances, by what they have of a profile. Nearly all have no full nodes, and these are counted
    /// at once.
    fn alike(&self, profile: Id<id::VgpuProfile>) -> Alike {
        let mut alike = Alike::new();
        for (group, places) in &self.groups {
            let Some((at, look)) = self.look(*group, profile) else { continue };
            if self.classes[group.class].blocker.is_some() {
                continue;
            }
            let usual = places.len() - places.full.len();
            if usual > 0 {
                *alike.entry((look, Vec::new())).or_default() += usual as u64;
            }
            for entry in places.full.iter().filter_map(|host| self.hosts.get(host)) {
                let parts = entry.parts(at, &Narrow::full(&entry.candidate.nodes));
                *alike.entry((look, parts)).or_default() += 1;
            }
        }
        alike
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};
    use crate::domain::placement::{Class, Mix};

    #[test]
    fn what_fits_is_counted_by_shape() {
        let mut fleet = Fleet::new(Mix::default());
        fleet.put(host(1, 1..=8));
        let mut begun = host(2, 1..=8);
        for n in [0, 1, 4] {
            begun.devices[n].standing.is_held = true;
        }
        fleet.put(begun);
        let class = Class { blocker: Some("disabled".into()), ..Class::default() };
        fleet.put(crate::domain::placement::Candidate { class, ..host(3, 1..=8) });
        let left = fleet.left();
        assert_eq!((left.len(), left[0].profile, left[0].free), (1, WHOLE, 13));
        let numbers = |s: &Shape| (s.count, s.anywhere, s.on_one_node);
        let shapes: Vec<_> = left[0].shapes.iter().map(numbers).collect();
        // free on the second host: two on one node, three on the other
        assert_eq!(shapes, [(1, 13, 13), (2, 4 + 2, 4 + 2), (4, 2 + 1, 2), (8, 1, 0)]);
        // whoever must be on one node finds no room on one of them
        let mut full = host(1, 1..=8);
        full.nodes = vec![node(0, 32, 0), node(1, 32, 1)];
        fleet.put(full);
        let shapes: Vec<_> = fleet.left()[0].shapes.iter().map(numbers).collect();
        assert_eq!(shapes, [(1, 13, 9), (2, 4 + 2, 2 + 2), (4, 2 + 1, 1), (8, 1, 0)]);
    }
}
