//! The best set of free devices within one host.
//!
//! Best means, in this order: fewest NUMA nodes, fewest PCIe switches or roots, slices packed (or spread) as asked, least
//! damage to what remains, lowest ids. Nodes that have no room for the demand's CPUs and memory count as one more: that is
//! where these will be. Unknown is not a place: each device whose node or switch is unknown may be anywhere and counts
//! as one of its own. Devices of one IOMMU group are taken together or not at all; of devices that
//! are wired to each other exactly one partition is taken, found by module ids.
//!
//! Devices that differ in their id only are interchangeable, so the search counts how many to take of each class instead
//! of trying every subset. It is exact up to 16 devices and nearly always beyond: past `BUDGET` steps it keeps the best
//! set found so far, which follows the same order of preference.

use super::{
    Mix, Narrow, NumaPolicy, Packing,
    damage::{Room, fabric_worth},
};
use crate::domain::{
    Id,
    gpu::{Fabric, PciAddress, Pick, fabric::Modules},
    id,
};
use std::collections::BTreeMap;

/// Steps after which the search is content; 16 devices need at most 2^17.
const BUDGET: u32 = 1 << 18;

/// A device (or a slice that can be made) that may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeDevice {
    /// What is taken.
    pub pick: Pick,
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<u32>,
    /// The switch above it, else the root port; `None`: unknown.
    pub place: Option<PciAddress>,
    /// The physical GPU that it is a slice of.
    pub gpu: Option<Id<id::GpuDevice>>,
    /// How many slices of that GPU are held already.
    pub gpu_load: u32,
    /// Devices with the same number are taken together or not at all.
    pub unit: Option<u32>,
    /// Which module of the host's fabric it is.
    pub module: Option<u8>,
}

/// What the demand says about where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    /// About NUMA nodes.
    pub numa: NumaPolicy,
    /// About the rest.
    pub packing: Packing,
    /// What others are expected to ask for.
    pub mix: Mix,
}

/// What is compared, the first difference decides; smaller is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// NUMA nodes, and one more when they have no room for CPUs and memory; 0 when they are ignored.
    pub nodes: u32,
    /// Switches or roots; 0 when nodes are ignored.
    pub places: u32,
    /// Packing: GPUs that get their first slice. Spreading: 0.
    pub opened: u32,
    /// Packing: slices on those GPUs. Spreading: how often slices meet on the same GPU.
    pub crowding: u32,
    /// What fits no longer afterwards, weighed by size.
    pub damage: u32,
}

/// A set of devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// What to take, in order.
    pub picks: Vec<Pick>,
    /// What it costs.
    pub cost: Cost,
    /// The NUMA nodes it sits on, as far as they are known.
    pub numa_nodes: Vec<u32>,
}

/// The best `count` devices, or `None` when no set of them is allowed.
pub fn choose(
    free: &[FreeDevice],
    fabric: &Fabric,
    count: u32,
    policy: Policy,
    narrow: &Narrow,
) -> Option<Chosen> {
    if count == 0 || free.len() < count as usize {
        return None;
    }
    let mut search = Search::new(free, fabric, policy, narrow);
    search.visit(0, count);
    search.result()
}

/// Where one device of a unit sits; indexes into the search's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    node: Option<usize>,
    place: Option<usize>,
    gpu: Option<usize>,
    module: Option<u8>,
}

/// Units that differ in their ids only.
#[derive(Debug)]
struct Class {
    spots: Vec<Spot>,
    units: Vec<Vec<Pick>>,
    /// The node, place of all its devices, when they share one.
    node: Option<usize>,
    place: Option<usize>,
    modules: Modules,
}

impl Class {
    fn size(&self) -> u32 {
        self.spots.len() as u32
    }
}

/// Where the rooms of nodes begin.
const NODES: usize = 2;

struct Search<'a> {
    policy: Policy,
    fabric: &'a Fabric,
    /// Of the fabric: what is free, what is taken.
    free_modules: Modules,
    taken_modules: Modules,
    nodes: Vec<u32>,
    /// In how many parts the demand must be for each node.
    parts: Vec<u32>,
    classes: Vec<Class>,
    /// Devices from this class on.
    rest: Vec<u32>,
    loads: Vec<u32>,
    /// What is free: in the host, what of it is on no known node, on each node, in each place.
    rooms: Vec<Room>,
    taken: Vec<u32>,
    in_node: Vec<u32>,
    in_place: Vec<u32>,
    in_gpu: Vec<u32>,
    unknown: (u32, u32),
    best: Option<(Cost, Vec<u32>)>,
    steps: u32,
}

impl<'a> Search<'a> {
    fn new(free: &[FreeDevice], fabric: &'a Fabric, policy: Policy, narrow: &Narrow) -> Self {
        let nodes = distinct(free.iter().filter_map(|d| d.numa_node));
        let places = distinct(free.iter().filter_map(|d| d.place));
        let gpus = distinct(free.iter().filter_map(|d| d.gpu));
        let mut loads = vec![0; gpus.len()];
        let spots = free.iter().map(|device| Spot {
            node: device.numa_node.and_then(|x| nodes.binary_search(&x).ok()),
            place: device.place.and_then(|x| places.binary_search(&x).ok()),
            gpu: device.gpu.and_then(|x| gpus.binary_search(&x).ok()),
            module: device.module.filter(|_| !fabric.is_empty()),
        });
        let spots: Vec<Spot> = spots.collect();
        for (device, spot) in free.iter().zip(&spots) {
            spot.gpu.into_iter().for_each(|gpu| loads[gpu] = device.gpu_load);
        }
        let classes = classes(free, &spots);
        let mut search = Self {
            policy,
            fabric,
            free_modules: spots.iter().filter_map(|spot| spot.module).collect(),
            taken_modules: Modules::default(),
            rest: vec![0; classes.len() + 1],
            rooms: vec![Room::default(); NODES + nodes.len() + places.len()],
            taken: vec![0; classes.len()],
            in_node: vec![0; nodes.len()],
            in_place: vec![0; places.len()],
            in_gpu: vec![0; gpus.len()],
            unknown: (0, 0),
            best: None,
            steps: 0,
            parts: nodes.iter().map(|node| narrow.parts(*node)).collect(),
            nodes,
            classes,
            loads,
        };
        for n in (0..search.classes.len()).rev() {
            let all = search.classes[n].units.len() as u32;
            search.rest[n] = search.rest[n + 1] + search.classes[n].size() * all;
            let mut rooms = std::mem::take(&mut search.rooms);
            search.neighbourhoods(n, |room| rooms[room].add(search.classes[n].size(), all));
            search.rooms = rooms;
        }
        search
    }

    /// The rooms in which a class's units count; wired ones count by their partitions instead.
    fn neighbourhoods(&self, class: usize, mut each: impl FnMut(usize)) {
        let class = &self.classes[class];
        if !class.modules.is_empty() {
            return;
        }
        each(0);
        each(class.node.map_or(NODES - 1, |node| NODES + node));
        class.place.into_iter().for_each(|place| each(NODES + self.nodes.len() + place));
    }

    /// Tries every number of units of this class, most first: tight sets are found early and cut off the rest.
    fn visit(&mut self, class: usize, wanted: u32) {
        self.steps += 1;
        if wanted == 0 {
            self.weigh();
            return;
        }
        if self.rest[class] < wanted {
            return;
        }
        let size = self.classes[class].size();
        let most = (wanted / size).min(self.classes[class].units.len() as u32);
        self.move_units(class, most);
        for units in (0..=most).rev() {
            if !self.is_hopeless() {
                self.visit(class + 1, wanted - units * size);
            }
            if units > 0 {
                self.move_back(class);
            }
            if self.steps > BUDGET && self.best.is_some() {
                self.unwind(class);
                return;
            }
        }
    }

    fn unwind(&mut self, class: usize) {
        while self.taken[class] > 0 {
            self.move_back(class);
        }
    }

    fn move_units(&mut self, class: usize, units: u32) {
        self.taken[class] += units;
        if units > 0 {
            self.taken_modules = self.taken_modules.and(self.classes[class].modules);
        }
        for spot in &self.classes[class].spots {
            match spot.node {
                Some(node) => self.in_node[node] += units,
                None => self.unknown.0 += units,
            }
            match spot.place {
                Some(place) => self.in_place[place] += units,
                None => self.unknown.1 += units,
            }
            spot.gpu.into_iter().for_each(|gpu| self.in_gpu[gpu] += units);
        }
    }

    fn move_back(&mut self, class: usize) {
        self.taken[class] -= 1;
        // wired units are one of a kind
        self.taken_modules = self.taken_modules.without(self.classes[class].modules);
        for spot in &self.classes[class].spots {
            match spot.node {
                Some(node) => self.in_node[node] -= 1,
                None => self.unknown.0 -= 1,
            }
            match spot.place {
                Some(place) => self.in_place[place] -= 1,
                None => self.unknown.1 -= 1,
            }
            spot.gpu.into_iter().for_each(|gpu| self.in_gpu[gpu] -= 1);
        }
    }

    /// What is taken so far already costs more than the best set; more devices never make it cheaper.
    fn is_hopeless(&self) -> bool {
        let cost = self.cost_without_damage();
        let is_forbidden = self.policy.numa == NumaPolicy::Required && cost.nodes > 1;
        is_forbidden
            || !self.fabric.may_become(self.taken_modules)
            || self.best.as_ref().is_some_and(|(best, _)| cost > Cost { damage: 0, ..*best })
    }

    fn cost_without_damage(&self) -> Cost {
        let used = |counts: &[u32]| counts.iter().filter(|&&c| c > 0).count() as u32;
        let (mut opened, mut crowding) = (0, 0);
        for (load, count) in self.loads.iter().zip(&self.in_gpu).filter(|(_, count)| **count > 0) {
            match self.policy.packing {
                Packing::Pack if *load == 0 => {
                    opened += 1;
                    crowding += count;
                }
                Packing::Pack => {}
                Packing::Spread => crowding += load * count + count * (count - 1) / 2,
            }
        }
        let (nodes, places) = match self.policy.numa {
            NumaPolicy::Ignored => (0, 0),
            NumaPolicy::Required | NumaPolicy::Preferred => {
                let nodes = used(&self.in_node);
                let short = u32::from(self.is_short(nodes));
                (nodes + self.unknown.0 + short, used(&self.in_place) + self.unknown.1)
            }
        };
        Cost { nodes, places, opened, crowding, damage: 0 }
    }

    /// Whether one of these nodes has no room for its part of the demand.
    fn is_short(&self, nodes: u32) -> bool {
        let mut used = self.parts.iter().zip(&self.in_node).filter(|(_, count)| **count > 0);
        used.any(|(parts, _)| *parts > nodes)
    }

    fn weigh(&mut self) {
        if !self.fabric.allows(self.taken_modules) {
            return;
        }
        let mut cost = self.cost_without_damage();
        let mut rooms = self.rooms.clone();
        for (class, &units) in self.taken.iter().enumerate().filter(|(_, units)| **units > 0) {
            let size = self.classes[class].size();
            self.neighbourhoods(class, |room| rooms[room].take(size, units));
        }
        let (mix, places) = (self.policy.mix, NODES + self.nodes.len());
        let scales = mix.scales(self.nodes.len());
        let scale = |at: usize| match at {
            0 => scales.host,
            _ if at < places => scales.node,
            _ => scales.place,
        };
        let worth = |rooms: &[Room], modules| {
            rooms.iter().enumerate().map(|(at, room)| room.worth(scale(at))).sum::<u32>()
                + fabric_worth(self.fabric, modules, mix)
        };
        let left = self.free_modules.without(self.taken_modules);
        cost.damage = worth(&self.rooms, self.free_modules) - worth(&rooms, left);
        let is_better = match &self.best {
            None => true,
            Some((best, taken)) => {
                cost < *best || (cost == *best && self.picks(&self.taken) < self.picks(taken))
            }
        };
        if is_better {
            self.best = Some((cost, self.taken.clone()));
        }
    }

    /// The lowest ids of each class.
    fn picks(&self, taken: &[u32]) -> Vec<Pick> {
        let of_class = |(class, &units): (&Class, &u32)| {
            class.units.iter().take(units as usize).flatten().copied().collect::<Vec<Pick>>()
        };
        let mut picks: Vec<Pick> = self.classes.iter().zip(taken).flat_map(of_class).collect();
        picks.sort_unstable();
        picks
    }

    fn result(self) -> Option<Chosen> {
        let (cost, taken) = self.best.as_ref()?;
        let used = self.classes.iter().zip(taken).filter(|(_, units)| **units > 0);
        let nodes = used.flat_map(|(class, _)| class.spots.iter().filter_map(|s| s.node));
        let numa_nodes = distinct(nodes.map(|node| self.nodes[node]));
        Some(Chosen { picks: self.picks(taken), cost: *cost, numa_nodes })
    }
}

/// Puts devices of one group together, then units that sit alike.
fn classes(free: &[FreeDevice], spots: &[Spot]) -> Vec<Class> {
    let mut units: BTreeMap<_, Vec<(Spot, Pick)>> = BTreeMap::new();
    for (n, (device, spot)) in free.iter().zip(spots).enumerate() {
        let alone = if device.unit.is_some() { 0 } else { n };
        units.entry((device.unit, alone)).or_default().push((*spot, device.pick));
    }
    let mut classes: BTreeMap<Vec<Spot>, Vec<Vec<Pick>>> = BTreeMap::new();
    for members in units.into_values() {
        let (mut spots, mut picks): (Vec<Spot>, Vec<Pick>) = members.into_iter().unzip();
        spots.sort_unstable();
        picks.sort_unstable();
        classes.entry(spots).or_default().push(picks);
    }
    classes.into_iter().map(class).collect()
}

fn class((spots, mut units): (Vec<Spot>, Vec<Vec<Pick>>)) -> Class {
    units.sort_unstable();
    let shared = |of: fn(&Spot) -> Option<usize>| {
        let first = spots.first().and_then(of);
        first.filter(|_| spots.iter().all(|s| of(s) == first))
    };
    let (node, place) = (shared(|s| s.node), shared(|s| s.place));
    let modules = spots.iter().filter_map(|s| s.module).collect();
    Class { spots, units, node, place, modules }
}

fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = items.collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
#[path = "choose_tests.rs"]
pub(super) mod tests;
