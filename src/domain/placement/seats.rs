//! Which hosts of a group have room for a demand, also on the NUMA nodes of the devices that it would get.
//!
//! Hosts of a group have the same devices free but not the same room on their nodes. What their devices would be given at
//! best is known of all of them; a host whose nodes there have no room is looked at by itself, and stands where its own
//! best set puts it, never before the others of its group.

use super::{
    Alternative, Candidate, Demand, Fleet, Narrow, NumaPolicy, Policy,
    fleet::{Entry, Group},
    looks::Answer,
    nodes::Load,
    rank::{Key, gpu_key},
};
use crate::domain::{Id, id, machine::Bytes};

impl Entry {
    /// The free memory of the largest node that something is free on; the most there is, where that is not known.
    pub(super) fn largest_node(&self) -> Bytes {
        let Candidate { nodes: rooms, devices, .. } = &self.candidate;
        if rooms.is_empty() || devices.iter().any(|device| device.numa_node.is_none()) {
            return Bytes::MAX;
        }
        let free = |node: &u32| {
            let room = rooms.iter().find(|room| room.node == *node);
            room.map_or(Bytes::MAX, |room| room.free_memory)
        };
        self.nodes.iter().flatten().map(free).max().unwrap_or(Bytes::MAX)
    }

    /// Whether something is free on a node that nobody can be bound to.
    pub(super) fn has_full_nodes(&self) -> bool {
        let mut full = self.candidate.nodes.iter().filter(|room| room.is_full());
        full.any(|room| self.nodes.iter().any(|nodes| nodes.contains(&room.node)))
    }

    /// For each node of a look: in how many parts a demand must be. Empty: no node is too small for anything.
    pub(super) fn parts(&self, look: usize, narrow: &Narrow) -> Vec<u32> {
        let parts: Vec<u32> = self.nodes[look].iter().map(|node| narrow.parts(*node)).collect();
        if parts.iter().all(|parts| *parts == 1) { Vec::new() } else { parts }
    }

    /// Whether these nodes of a look hold so much, an equal part each.
    fn holds(&self, look: usize, nodes: &[usize], load: Load, numa: NumaPolicy) -> bool {
        let rooms = &self.candidate.nodes;
        if rooms.is_empty() || numa == NumaPolicy::Ignored {
            return true;
        }
        let parts = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let names = nodes.iter().filter_map(|node| self.nodes[look].get(*node));
        let mut found = names.filter_map(|name| rooms.iter().find(|room| room.node == *name));
        found.all(|room| room.holds(load, parts))
    }
}

impl Fleet {
    /// The best set on this host for so much.
    pub(super) fn answer_on(
        &mut self,
        host: Id<id::Host>,
        load: Load,
        policy: Policy,
        wanted: &Alternative,
    ) -> Option<&Answer> {
        let group = self.hosts.get(&host)?.group;
        let (at, look) = self.look(group, wanted.profile)?;
        let nodes = self.looked(look).answer(wanted.count, policy)?.nodes.clone();
        let entry = self.hosts.get(&host)?;
        let parts = match entry.holds(at, &nodes, load, policy.numa) {
            true => Vec::new(),
            false => entry.parts(at, &Narrow::of(load, policy.numa, &entry.candidate.nodes)),
        };
        self.looked(look).answer_split(wanted.count, policy, &parts)
    }

    /// Hosts of a group that have room: the first so many that are as good as its hosts can be, and those before them that
    /// are not.
    pub(super) fn seats(
        &mut self,
        demand: &Demand,
        wanted: Option<&Alternative>,
        (gpus, group): ([u64; 3], Group),
        will_do: impl Fn(&Candidate) -> bool,
        most: usize,
    ) -> Vec<(Key, Id<id::Host>)> {
        let (policy, load) = (demand.policy(self.mix()), demand.load());
        let nodes = match wanted {
            None => None,
            Some(wanted) => {
                let Some((at, look)) = self.look(group, wanted.profile) else { return Vec::new() };
                let answer = self.looked(look).answer(wanted.count, policy);
                let Some(answer) = answer else { return Vec::new() };
                Some((at, answer.nodes.clone()))
            }
        };
        let largest = self.groups.get(&group).and_then(|places| places.by_node.last());
        let is_small = largest.is_some_and(|(memory, _)| *memory < demand.memory);
        if is_small && nodes.is_some() && demand.numa == NumaPolicy::Required {
            return Vec::new();
        }
        let (mut found, mut short) = (Vec::new(), Vec::new());
        for entry in self.fitting(demand, group).filter(|entry| will_do(&entry.candidate)) {
            let host = entry.candidate.host;
            match &nodes {
                Some((at, nodes)) if !entry.holds(*at, nodes, load, demand.numa) => {
                    short.push(host);
                }
                _ => found.push((Key::new(demand, gpus, &entry.candidate), host)),
            }
            if found.len() == most {
                break;
            }
        }
        let keyed = [(gpus, group)];
        short.into_iter().for_each(|host| found.extend(self.seat(demand, wanted, &keyed, host)));
        found
    }

    /// A host by itself, if it has room; its group has one of these keys.
    pub(super) fn seat(
        &mut self,
        demand: &Demand,
        wanted: Option<&Alternative>,
        keyed: &[([u64; 3], Group)],
        host: Id<id::Host>,
    ) -> Option<(Key, Id<id::Host>)> {
        let policy = demand.policy(self.mix());
        let Entry { candidate, group, .. } = self.hosts.get(&host)?;
        let (mut gpus, group) = *keyed.iter().find(|(_, it)| it == group)?;
        if demand.host_why_not(host).is_some() || demand.room_why_not(candidate).is_some() {
            return None;
        }
        if let Some(wanted) = wanted {
            let free = self.known(group, wanted.profile)?.free();
            let answer = self.answer_on(host, demand.load(), policy, wanted)?;
            gpus = gpus.max(gpu_key(demand, &answer.cost, free));
        }
        Some((Key::new(demand, gpus, self.get(host)?), host))
    }

    /// What the NUMA nodes of a host lack that has the devices and room for the demand as a whole.
    pub(super) fn node_why_not(
        &mut self,
        host: Id<id::Host>,
        demand: &Demand,
    ) -> Option<&'static str> {
        let (policy, load) = (demand.policy(self.mix()), demand.load());
        let mut has = |load: Load| {
            let mut all = demand.alternatives.iter();
            all.any(|wanted| self.answer_on(host, load, policy, wanted).is_some())
        };
        if has(load) {
            None
        } else if has(Load { memory: 0, ..load }) {
            Some("too little memory free on the NUMA nodes of free GPUs")
        } else if has(Load { vcpus: 0, ..load }) {
            Some("too few CPUs free on the NUMA nodes of free GPUs")
        } else {
            Some("too few CPUs and too little memory free on the NUMA nodes of free GPUs")
        }
    }
}
