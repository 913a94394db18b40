//! The shape of a guest on its host: where its CPUs and memory lie, what it sees of that, how large its PCI window is.
//!
//! Devices of one NUMA node: CPUs and memory are bound to that node, and the guest sees one node. Devices of several:
//! the guest gets a cell for each, bound to it, and each device hangs below the expander of its cell, so that the guest
//! knows what is near to what. Required binds memory strictly (a start fails where it does not fit), preferred lets it
//! spill over. A node whose CPUs the host does not tell is not bound to: half a binding would be worse than none.

use super::{Bytes, MIB, MachineSpec, NodeSize};
use crate::domain::placement::NumaPolicy;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A host's NUMA nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// The nodes by their number.
    pub nodes: BTreeMap<u32, HostNode>,
}

impl Topology {
    /// How many huge pages there are of each size; `None`: no node tells.
    pub fn huge_pages(&self) -> Option<BTreeMap<Bytes, u64>> {
        let mut all = BTreeMap::new();
        for (size, count) in self.nodes.values().flat_map(|node| &node.pages) {
            if *size >= 2 * MIB {
                *all.entry(*size).or_default() += count;
            }
        }
        self.nodes.values().any(|node| !node.pages.is_empty()).then_some(all)
    }

    /// How large the nodes are that a guest can be bound to.
    pub fn sizes(&self) -> Vec<NodeSize> {
        let bound = self.nodes.iter().filter(|(_, it)| !it.cpus.is_empty());
        let cpus = |it: &HostNode| u32::try_from(it.cpus.len()).unwrap_or(u32::MAX);
        bound
            .map(|(node, it)| NodeSize { node: *node, cpus: cpus(it), memory: it.memory })
            .collect()
    }
}

/// A NUMA node of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostNode {
    /// Its logical CPUs.
    pub cpus: Vec<u32>,
    /// Its memory; 0: not told.
    pub memory: Bytes,
    /// How many pages there are of each size.
    pub pages: BTreeMap<Bytes, u64>,
}

/// The pages that a guest's memory is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HugePages {
    /// The size that the host prefers.
    Usual,
    /// This size.
    Of(Bytes),
}

impl std::str::FromStr for HugePages {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Self::Usual),
            "2m" => Ok(Self::Of(2 * MIB)),
            "1g" => Ok(Self::Of(1 << 30)),
            _ => Err(format!("hugepages: {text} is none of true, false, 2M and 1G")),
        }
    }
}

impl HugePages {
    /// The size that a detail asks for; `None`: none, or whichever the host prefers.
    pub fn size(text: Option<&str>) -> Option<Bytes> {
        match Self::read(text) {
            Ok(Some(Self::Of(size))) => Some(size),
            _ => None,
        }
    }

    /// What a detail says; `None`: nothing, or no.
    pub fn read(text: Option<&str>) -> Result<Option<Self>, String> {
        match text.map(str::trim) {
            None | Some("" | "false") => Ok(None),
            Some(text) => text.parse().map(Some),
        }
    }
}

/// How memory is bound to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// There or nowhere.
    Strict,
    /// There while there is room.
    Preferred,
}

/// A NUMA node of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The host's node that it lies on.
    pub node: u32,
    /// The virtual CPUs.
    pub vcpus: Range<u32>,
    /// The host's CPUs that they run on; empty: any.
    pub cpus: Vec<u32>,
    /// The memory.
    pub memory: Bytes,
}

/// A guest's shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// The host's CPUs that the guest as a whole runs on; empty: any.
    pub cpus: Vec<u32>,
    /// Where the memory of a guest of one node lies.
    pub memory: Option<u32>,
    /// How memory is bound, where it is.
    pub binding: Option<Binding>,
    /// The guest's nodes; empty: it sees one.
    pub cells: Vec<Cell>,
    /// The cell below whose expander each device hangs; `None`: below the root.
    pub below: Vec<Option<usize>>,
    /// The guest's window for large BARs; `None`: the usual one is large enough.
    pub window: Option<Bytes>,
}

/// The shape of a machine. `bars`: the sizes of the large BARs of each device, companions included, as far as they are
/// known. Error: why this host cannot have it.
pub fn shape(machine: &MachineSpec, bars: &[Vec<Bytes>], host: &Topology) -> Result<Shape, String> {
    let window = window(bars);
    let near = |index: usize| {
        let node = machine.device_nodes.get(index).copied().flatten()?;
        host.nodes.get(&node).filter(|it| !it.cpus.is_empty()).map(|_| node)
    };
    let nodes: Vec<Option<u32>> = match machine.numa {
        NumaPolicy::Ignored => vec![None; machine.devices.len()],
        NumaPolicy::Required | NumaPolicy::Preferred => {
            (0..machine.devices.len()).map(near).collect()
        }
    };
    let distinct: Vec<u32> =
        nodes.iter().flatten().collect::<BTreeSet<_>>().into_iter().copied().collect();
    let is_strict = machine.numa == NumaPolicy::Required;
    let mut shape = Shape { below: vec![None; nodes.len()], window, ..Shape::default() };
    match distinct.as_slice() {
        [] => {}
        [node] => {
            shape.cpus = cpus(host, *node, machine.vcpus, is_strict);
            shape.memory = Some(*node);
        }
        several => {
            shape.cells = cells(machine, host, several, is_strict)?;
            let cell = |node: u32| shape.cells.iter().position(|cell| cell.node == node);
            shape.below = nodes.into_iter().map(|node| node.and_then(cell)).collect();
            shape.cpus = shape.cells.iter().flat_map(|cell| cell.cpus.clone()).collect();
        }
    }
    let binding = if is_strict { Binding::Strict } else { Binding::Preferred };
    shape.binding = (shape.memory.is_some() || !shape.cells.is_empty()).then_some(binding);
    check_memory(machine, host, &shape)?;
    Ok(shape)
}

/// The CPUs of a node. Without need nobody is squeezed into fewer CPUs than it has of its own.
fn cpus(host: &Topology, node: u32, vcpus: u32, is_strict: bool) -> Vec<u32> {
    let all = host.nodes.get(&node).map(|it| it.cpus.clone()).unwrap_or_default();
    let is_enough = usize::try_from(vcpus).is_ok_and(|vcpus| vcpus <= all.len());
    if is_strict || is_enough { all } else { Vec::new() }
}

/// CPUs and memory in equal parts; none, when there are too few for a part each.
fn cells(
    machine: &MachineSpec,
    host: &Topology,
    nodes: &[u32],
    is_strict: bool,
) -> Result<Vec<Cell>, String> {
    let parts = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let page = match machine.hugepages {
        Some(HugePages::Of(size)) => size,
        Some(HugePages::Usual) | None => 2 * MIB,
    };
    let pages = machine.memory / page;
    if machine.vcpus < parts || pages < u64::from(parts) {
        return Ok(Vec::new());
    }
    let mut cells = Vec::with_capacity(nodes.len());
    let (mut vcpu, mut left) = (0, machine.memory);
    for (index, node) in (0..parts).zip(nodes) {
        let count = machine.vcpus / parts + u32::from(index < machine.vcpus % parts);
        let share =
            pages / u64::from(parts) + u64::from(u64::from(index) < pages % u64::from(parts));
        // what is no whole page goes to the last
        let memory = if index + 1 == parts { left } else { share * page };
        let cpus = cpus(host, *node, count, is_strict);
        cells.push(Cell { node: *node, vcpus: vcpu..vcpu + count, cpus, memory });
        (vcpu, left) = (vcpu + count, left - memory);
    }
    if cells.iter().any(|cell| cell.cpus.is_empty()) {
        cells.iter_mut().for_each(|cell| cell.cpus.clear());
    }
    Ok(cells)
}

/// What is asked strictly must be there at all, and huge pages must be.
fn check_memory(machine: &MachineSpec, host: &Topology, shape: &Shape) -> Result<(), String> {
    let mib = |bytes: Bytes| bytes.div_ceil(MIB);
    if shape.binding == Some(Binding::Strict) {
        let one = shape.memory.map(|node| (node, machine.memory));
        let parts = shape.cells.iter().map(|cell| (cell.node, cell.memory));
        for (node, wanted) in one.into_iter().chain(parts) {
            let has = host.nodes.get(&node).map_or(0, |it| it.memory);
            if has > 0 && wanted > has {
                let (has, wanted) = (mib(has), mib(wanted));
                return Err(format!(
                    "NUMA node {node} has {has} MiB of memory, and {wanted} MiB must be there"
                ));
            }
            check_pages(machine, wanted, &[node], host)?;
        }
    }
    let all: Vec<u32> = host.nodes.keys().copied().collect();
    check_pages(machine, machine.memory, &all, host)
}

/// The nodes have so many huge pages of the size that is asked.
fn check_pages(
    machine: &MachineSpec,
    wanted: Bytes,
    nodes: &[u32],
    host: &Topology,
) -> Result<(), String> {
    let Some(HugePages::Of(size)) = machine.hugepages else { return Ok(()) };
    let name =
        if size >= 1 << 30 { format!("{}G", size >> 30) } else { format!("{}M", size >> 20) };
    if !wanted.is_multiple_of(size) {
        let wanted = wanted / MIB;
        return Err(format!("{wanted} MiB of memory are no whole number of {name} huge pages"));
    }
    if nodes.is_empty() {
        return Ok(()); // the host tells nothing of its memory
    }
    let of = |node: &u32| host.nodes.get(node)?.pages.get(&size).copied();
    let has: u64 = nodes.iter().filter_map(of).sum();
    if has >= wanted / size {
        return Ok(());
    }
    let place = match nodes {
        [node] => format!("NUMA node {node} of the host has"),
        _ => "the host has".to_owned(),
    };
    Err(format!("{place} {has} huge pages of {name}, and {} are needed", wanted / size))
}

/// The window that firmware finds without being told.
const USUAL: Bytes = 32 << 30;

/// Room for the large BARs of all devices. Each device has a port of its own; a BAR begins at a multiple of its size,
/// and so does a port's window at one of its largest BAR, and the whole somewhere before the first of them.
fn window(bars: &[Vec<Bytes>]) -> Option<Bytes> {
    let largest = |bars: &Vec<Bytes>| bars.iter().copied().max().filter(|size| *size > 0);
    let ports = bars
        .iter()
        .filter_map(|bars| bars.iter().sum::<Bytes>().checked_next_multiple_of(largest(bars)?));
    let total = ports.sum::<Bytes>() + bars.iter().filter_map(largest).max()?;
    (total > USUAL).then(|| total.next_multiple_of(1 << 30) + (1 << 30))
}

#[cfg(test)]
mod tests;
