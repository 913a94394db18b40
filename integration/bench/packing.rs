//! A large fleet over a long time: requests come and go, and each policy fares as it can.

use csgpu::domain::{
    Id,
    gpu::{DeviceType, Fabric, Health, ManagedState, PciAddress, Pick, claim::Standing},
    id,
    machine::MIB,
    placement::{
        Affinity, Alternative, Candidate, Class, Demand, Fleet, HostDevice, Mix, Needs, NodeRoom,
        NumaPolicy, Packing,
    },
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Hosts of the fleet.
pub const HOSTS: usize = 10_000;
/// GPUs of each.
pub const GPUS: usize = 8;
/// Clusters of them: what is true of one need not be true of another.
const CLUSTERS: u128 = 16;
/// Of 100 GPUs so many are held.
const LOAD: usize = 85;
/// Sizes of requests, and how many of 100 are of that size.
pub const SIZES: [(usize, u64); 4] = [(1, 50), (2, 20), (4, 20), (8, 10)];

/// Numbers that look random and are the same each time (Knuth's MMIX constants).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below this one.
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % most
    }

    fn size(&mut self) -> usize {
        let mut at = self.below(100);
        for (size, share) in SIZES {
            if at < share {
                return size;
            }
            at -= share;
        }
        1
    }
}

/// A host and the positions of the devices that were taken there.
pub type Taken = (usize, Vec<usize>);

/// Who places.
pub trait Policy {
    /// So many devices, taken; `None`: refused.
    fn take(&mut self, count: usize) -> Option<Taken>;
    /// They are free again.
    fn give(&mut self, taken: &Taken);
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    placed: usize,
    straddled: usize,
    asked_8: usize,
    refused_8: usize,
    /// Refused requests for less than 8.
    pub refused: usize,
}

impl Tally {
    /// Percent of the instances of 2 and 4 devices that sit on two NUMA nodes.
    pub fn straddles(&self) -> f64 {
        100.0 * self.straddled as f64 / self.placed.max(1) as f64
    }
    /// Percent of the requests for 8 devices that were refused.
    pub fn refusals_8(&self) -> f64 {
        100.0 * self.refused_8 as f64 / self.asked_8.max(1) as f64
    }
}

/// Fills the fleet and lets so many requests come; before each, as many instances leave as the load demands.
pub fn replay(
    policy: &mut dyn Policy,
    hosts: usize,
    requests: usize,
    seed: u64,
) -> (Tally, Vec<Taken>) {
    let mut dice = Dice(seed);
    let (mut running, mut held): (Vec<Taken>, usize) = (Vec::new(), 0);
    let mut tally = Tally::default();
    let most = hosts * GPUS * LOAD / 100;
    let mut left = requests;
    while left > 0 {
        let count = dice.size();
        let is_full = held + count > most;
        while held + count > most {
            let taken = running.swap_remove(dice.below(running.len() as u64) as usize);
            held -= taken.1.len();
            policy.give(&taken);
        }
        let found = policy.take(count);
        // what happens while the fleet fills is not counted
        if is_full || left < requests {
            left -= 1;
            tally.asked_8 += usize::from(count == 8);
            match &found {
                Some((_, gpus)) if count == 2 || count == 4 => {
                    let nodes: BTreeSet<usize> = gpus.iter().map(|gpu| gpu / 4).collect();
                    tally.placed += 1;
                    tally.straddled += usize::from(nodes.len() > 1);
                }
                Some(_) => {}
                None if count == 8 => tally.refused_8 += 1,
                None => tally.refused += 1,
            }
        }
        if let Some(taken) = found {
            held += count;
            running.push(taken);
        }
    }
    (tally, running)
}

/// Ours.
#[derive(Debug)]
pub struct Ours {
    /// The fleet.
    pub fleet: Fleet,
}

impl Ours {
    /// An empty fleet of so many hosts, that expects this.
    pub fn new(hosts: usize, mix: Mix) -> Self {
        let mut fleet = Fleet::new(mix);
        (0..hosts).for_each(|host| fleet.put(candidate(host)));
        Self { fleet }
    }

    /// Which host of the fleet this is.
    pub fn number(candidate: &Candidate) -> usize {
        candidate.host.uuid().as_u128() as usize / 100 - 1
    }

    /// Devices are held, or free again.
    pub fn set(&mut self, (host, gpus): &Taken, is_held: bool) {
        let mut candidate = self.fleet.remove(host_id(*host)).expect("a host of the fleet");
        let memory = gpus.len() as u64 * MEMORY;
        for gpu in gpus {
            candidate.devices[*gpu].standing.is_held = is_held;
        }
        let nodes: BTreeSet<usize> = gpus.iter().map(|gpu| gpu / 4).collect();
        for node in &nodes {
            let (room, parts) = (&mut candidate.nodes[*node], nodes.len() as u64);
            let (part, mhz) = (memory / parts, gpus.len() as u64 * 8 * 2000 / parts);
            match is_held {
                true => {
                    (room.free_memory, room.free_mhz) =
                        (room.free_memory - part, room.free_mhz - mhz)
                }
                false => {
                    (room.free_memory, room.free_mhz) =
                        (room.free_memory + part, room.free_mhz + mhz)
                }
            }
        }
        match is_held {
            true => candidate.free_memory -= memory,
            false => candidate.free_memory += memory,
        }
        self.fleet.put(candidate);
    }
}

impl Policy for Ours {
    fn take(&mut self, count: usize) -> Option<Taken> {
        let choices = self.fleet.choose(&demand(count)).ok()?;
        let choice = &choices[0];
        let host = choice.host.uuid().as_u128() as usize / 100 - 1;
        let position = |pick: &Pick| match pick {
            Pick::Device(id) => id.uuid().as_u128() as usize % 100,
            Pick::Slice { .. } => unreachable!("no slices are asked"),
        };
        let taken = (host, choice.picks.iter().map(position).collect());
        self.set(&taken, true);
        Some(taken)
    }

    fn give(&mut self, taken: &Taken) {
        self.set(taken, false);
    }
}

/// The host with the lowest number, or with the fewest free devices, that has enough; within it the fewest nodes.
#[derive(Debug)]
pub struct Classic {
    is_best: bool,
    free: Vec<u8>,
    /// Hosts by how many devices are free.
    by_free: Vec<BTreeSet<usize>>,
}

impl Classic {
    /// First fit, or best fit.
    pub fn new(hosts: usize, is_best: bool) -> Self {
        let mut by_free = vec![BTreeSet::new(); GPUS + 1];
        by_free[GPUS] = (0..hosts).collect();
        Self { is_best, free: vec![u8::MAX; hosts], by_free }
    }

    fn set(&mut self, host: usize, free: u8) {
        self.by_free[self.free[host].count_ones() as usize].remove(&host);
        self.free[host] = free;
        self.by_free[free.count_ones() as usize].insert(host);
    }
}

impl Policy for Classic {
    fn take(&mut self, count: usize) -> Option<Taken> {
        let firsts = self.by_free[count..].iter().filter_map(|hosts| hosts.first().copied());
        let host = if self.is_best { firsts.into_iter().next() } else { firsts.min() }?;
        let free = |gpu: &usize| self.free[host] >> gpu & 1 == 1;
        let nodes = [0..4, 4..8].map(|node| node.filter(free).collect::<Vec<usize>>());
        // the node that has enough with the least left over, else the fuller one and then the other
        let enough = nodes.iter().filter(|node| node.len() >= count).min_by_key(|node| node.len());
        let gpus: Vec<usize> = match enough {
            Some(node) => node[..count].to_vec(),
            None => {
                let [a, b] = &nodes;
                let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
                a.iter().chain(b).copied().take(count).collect()
            }
        };
        let left = gpus.iter().fold(self.free[host], |free, gpu| free & !(1 << gpu));
        self.set(host, left);
        Some((host, gpus))
    }

    fn give(&mut self, (host, gpus): &Taken) {
        let free = gpus.iter().fold(self.free[*host], |free, gpu| free | 1 << gpu);
        self.set(*host, free);
    }
}

/// Memory of an instance, for each of its GPUs.
const MEMORY: u64 = 65_536 * MIB;

fn profile() -> Id<id::VgpuProfile> {
    Id::from_uuid(Uuid::from_u128(7))
}

fn host_id(host: usize) -> Id<id::Host> {
    Id::from_uuid(Uuid::from_u128((host as u128 + 1) * 100))
}

/// What an instance of so many GPUs asks.
pub fn demand(count: usize) -> Demand {
    let count = count as u32;
    Demand {
        needs: Needs::default(),
        vcpus: 8 * count,
        mhz: 2000,
        memory: u64::from(count) * MEMORY,
        alternatives: vec![Alternative { profile: profile(), name: "a card".into(), count }],
        numa: NumaPolicy::Preferred,
        exact: Vec::new(),
        kept: Vec::new(),
        packing: Packing::Pack,
        host: None,
        avoid: Vec::new(),
        affinity: Affinity::default(),
    }
}

/// A host with all devices free: two NUMA nodes, two devices below each switch.
pub fn candidate(host: usize) -> Candidate {
    let bus = |bus: usize| PciAddress { domain: 0, bus: bus as u8, slot: 0, function: 0 };
    let device = |gpu: usize| HostDevice {
        standing: Standing {
            id: Id::from_uuid(Uuid::from_u128((host as u128 + 1) * 100 + gpu as u128)),
            parent: None,
            profile: profile(),
            device_type: DeviceType::PCI,
            managed: ManagedState::Managed,
            health: Health::Ok,
            is_ready: true,
            on_demand: false,
            iommu_group: Some(gpu as i32),
            carrier: bus(gpu + 1),
            is_held: false,
            is_draining: false,
            module: None,
            cut: None,
            mdev: None,
        },
        numa_node: Some(gpu as u32 / 4),
        pci_switch: Some(bus(100 + gpu / 2)),
        pci_root: None,
        ready_reason: None,
    };
    let cluster = Id::from_uuid(Uuid::from_u128(host as u128 % CLUSTERS));
    Candidate {
        host: host_id(host),
        class: Class { cluster: Some(cluster), ..Class::default() },
        cores: 80,
        free_mhz: 80 * 2000,
        free_memory: 10 * MEMORY,
        nodes: [0, 1]
            .map(|node| NodeRoom { node, cpus: 40, free_mhz: 40 * 2000, free_memory: 5 * MEMORY })
            .into(),
        pages: None,
        pools: Vec::new(),
        devices: (0..GPUS).map(device).collect(),
        rooms: Vec::new(),
        fabric: Fabric::default(),
        gpu_memory: Default::default(),
    }
}
