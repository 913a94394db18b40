//! What the NUMA nodes of a host have free, and which of them hold a demand.
//!
//! A guest whose devices are on one node has its CPUs and its memory there, and one whose devices are on several an
//! equal part on each ([`crate::domain::machine::shape`]). What is required must find room there; what is preferred goes
//! elsewhere too, but that costs as much as one more node. Instances that are bound to no node are nowhere in
//! particular and are counted for the host alone.

use super::{Demand, NumaPolicy};
use crate::domain::machine::{Bytes, NodeSize};

/// A NUMA node of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRoom {
    /// Its number.
    pub node: u32,
    /// Its logical CPUs.
    pub cpus: u32,
    /// CPU capacity that is not promised to instances that are bound to it, in MHz.
    pub free_mhz: u64,
    /// Memory that is not promised to them.
    pub free_memory: Bytes,
}

/// What an instance takes of the nodes that it is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Virtual CPUs.
    pub vcpus: u32,
    /// MHz of each.
    pub mhz: u32,
    /// Memory.
    pub memory: Bytes,
}

impl Load {
    /// The largest of so many parts.
    fn part(self, parts: u32) -> (u32, u64, Bytes) {
        let parts = parts.max(1);
        let vcpus = self.vcpus.div_ceil(parts);
        (vcpus, u64::from(vcpus) * u64::from(self.mhz), self.memory.div_ceil(u64::from(parts)))
    }

    /// As much of it as there is room for.
    pub(super) fn within(self, cpus: u32, mhz: u64, memory: Bytes) -> Self {
        let by_speed = mhz.checked_div(self.mhz.into()).and_then(|most| most.try_into().ok());
        let by_speed = by_speed.unwrap_or(u32::MAX);
        Self { vcpus: self.vcpus.min(cpus).min(by_speed), memory: self.memory.min(memory), ..self }
    }
}

impl NodeRoom {
    /// A node that nobody is bound to; of a host that tells no speed nobody is asked for any.
    pub fn new(size: NodeSize, mhz: Option<u64>) -> Self {
        Self {
            node: size.node,
            cpus: size.cpus,
            free_mhz: mhz.map_or(u64::MAX, |mhz| mhz * u64::from(size.cpus)),
            free_memory: if size.memory > 0 { size.memory } else { Bytes::MAX },
        }
    }

    /// Whether one of so many parts has room.
    pub(super) fn holds(&self, load: Load, parts: u32) -> bool {
        self.parts(load) <= parts
    }

    /// Among how many nodes a demand must be split at least until one part has room.
    fn parts(&self, load: Load) -> u32 {
        let most = load.within(self.cpus, self.free_mhz, self.free_memory);
        let parts = |all: u64, part: u64| match (all, part) {
            (0, _) => 1,
            (_, 0) => NEVER,
            _ => u32::try_from(all.div_ceil(part)).unwrap_or(NEVER),
        };
        parts(load.vcpus.into(), most.vcpus.into()).max(parts(load.memory, most.memory))
    }

    /// Whether nobody can be bound to it any more.
    pub(super) const fn is_full(&self) -> bool {
        self.free_mhz == 0 || self.free_memory == 0
    }

    fn take(&mut self, (mhz, memory): (u64, Bytes)) {
        // what is not told is not used up
        if self.free_mhz < u64::MAX {
            self.free_mhz = self.free_mhz.saturating_sub(mhz);
        }
        if self.free_memory < Bytes::MAX {
            self.free_memory = self.free_memory.saturating_sub(memory);
        }
    }
}

/// An instance is bound to these nodes now, as far as the host tells of them.
pub fn bind(rooms: &mut [NodeRoom], load: Load, nodes: &[u32]) {
    let mut bound: Vec<&mut NodeRoom> =
        rooms.iter_mut().filter(|room| nodes.contains(&room.node)).collect();
    let parts = u32::try_from(bound.len()).unwrap_or(u32::MAX);
    if load.vcpus < parts {
        return; // too small to be cut: its guest is bound to none
    }
    let (vcpus, mhz, memory) = load.part(parts);
    let has_cpus = bound.iter().all(|room| vcpus <= room.cpus);
    bound.iter_mut().for_each(|room| room.take((if has_cpus { mhz } else { 0 }, memory)));
}

/// Nodes that do not hold all of a demand: node, and among how many nodes at least it must be split until this one holds
/// its part. Those that are not named hold all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrow(Vec<(u32, u32)>);

/// In how many parts a demand would not fit either.
const NEVER: u32 = u32::MAX;

impl Narrow {
    /// These nodes need so many parts.
    pub fn new(nodes: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self(nodes.into_iter().filter(|(_, parts)| *parts > 1).collect())
    }

    /// Of a demand of this size on a host.
    pub(super) fn of(load: Load, numa: NumaPolicy, rooms: &[NodeRoom]) -> Self {
        if numa == NumaPolicy::Ignored {
            return Self::default();
        }
        Self::new(rooms.iter().map(|room| (room.node, room.parts(load))))
    }

    /// Nodes to which nobody can be bound.
    pub(super) fn full(rooms: &[NodeRoom]) -> Self {
        let full = rooms.iter().filter(|room| room.is_full());
        Self::new(full.map(|room| (room.node, NEVER)))
    }

    /// Among how many nodes the demand must be split for this one.
    pub(super) fn parts(&self, node: u32) -> u32 {
        self.0.iter().find(|(it, _)| *it == node).map_or(1, |(_, parts)| *parts)
    }

    /// Whether every node holds the whole demand.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Demand {
    /// What it takes of nodes.
    pub(super) const fn load(&self) -> Load {
        Load { vcpus: self.vcpus, mhz: self.mhz, memory: self.memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(node: u32, cpus: u32, memory: Bytes) -> NodeRoom {
        NodeRoom::new(NodeSize { node, cpus, memory }, Some(1000))
    }

    #[test]
    fn an_instance_is_on_its_nodes_in_equal_parts() {
        let load = Load { vcpus: 5, mhz: 1000, memory: 9 };
        let mut rooms = [room(0, 8, 100), room(1, 8, 0), room(3, 8, 100)];
        bind(&mut rooms, load, &[0, 1, 7]);
        assert_eq!(rooms.map(|room| room.free_mhz), [5000, 5000, 8000]);
        assert_eq!(rooms.map(|room| room.free_memory), [95, Bytes::MAX, 100]);
        bind(&mut rooms, Load { vcpus: 1, ..load }, &[0, 3]);
        assert_eq!(rooms[2].free_memory, 100, "it cannot be cut");
        bind(&mut rooms, Load { vcpus: 9, ..load }, &[3]);
        assert_eq!((rooms[2].free_mhz, rooms[2].free_memory), (8000, 91), "its CPUs are anywhere");
        bind(&mut rooms, Load { memory: 1000, ..load }, &[3]);
        assert_eq!(rooms[2].free_memory, 0);
        assert_eq!(Narrow::full(&rooms), Narrow(vec![(3, NEVER)]));
    }

    #[test]
    fn a_node_is_narrow_for_what_it_does_not_hold() {
        let rooms = [room(0, 8, 100), room(1, 4, 100), room(2, 2, 20)];
        let of =
            |numa, vcpus, memory| Narrow::of(Load { vcpus, memory, mhz: 1000 }, numa, &rooms).0;
        use NumaPolicy::{Ignored, Preferred, Required};
        assert_eq!(of(Required, 2, 20), []);
        assert_eq!(of(Required, 6, 50), [(1, 2), (2, 3)]);
        assert_eq!(of(Preferred, 6, 50), [(1, 2), (2, 3)]);
        assert_eq!(of(Preferred, 6, 120), [(0, 2), (1, 2), (2, 6)]);
        let full = NodeRoom { free_memory: 0, ..rooms[2] };
        assert_eq!(
            (
                full.parts(Load { vcpus: 1, mhz: 0, memory: 1 }),
                full.holds(Load { vcpus: 2, mhz: 1, memory: 0 }, 1)
            ),
            (NEVER, true)
        );
        assert_eq!(of(Ignored, 60, 1000), []);
    }
}
