//! `<memory>`, `<memoryBacking>`, `<vcpu>`, `<cputune>`, `<numatune>` and `<numa>`: size, and where on the host it lies.

use super::writer::Xml;
use crate::domain::machine::{
    MachineSpec,
    shape::{Binding, HugePages, Shape},
};

/// Memory, CPUs and where on the host they are.
pub(super) fn memory(x: &mut Xml, machine: &MachineSpec, shape: &Shape) {
    x.text("memory", &[("unit", "KiB")], &(machine.memory >> 10).to_string());
    x.text("currentMemory", &[("unit", "KiB")], &(machine.memory >> 10).to_string());
    backing(x, machine);
    let vcpus = machine.vcpus.to_string();
    let cpuset = ranges(shape.cpus.clone());
    let attrs = [("placement", "static"), ("cpuset", &cpuset)];
    let is_bound = !shape.cpus.is_empty();
    x.text("vcpu", &attrs[..if is_bound { 2 } else { 1 }], &vcpus);
    if is_bound {
        x.nest("cputune", &[], |x| pins(x, shape, &cpuset));
    }
    if let Some(binding) = shape.binding {
        x.nest("numatune", &[], |x| nodes(x, shape, binding));
    }
}

fn backing(x: &mut Xml, machine: &MachineSpec) {
    let Some(pages) = machine.hugepages else { return };
    x.nest("memoryBacking", &[], |x| match pages {
        HugePages::Usual => x.leaf("hugepages", &[]),
        HugePages::Of(size) => x.nest("hugepages", &[], |x| {
            x.leaf("page", &[("size", &(size >> 10).to_string()), ("unit", "KiB")]);
        }),
    });
}

fn pins(x: &mut Xml, shape: &Shape, cpuset: &str) {
    for cell in &shape.cells {
        let own = ranges(cell.cpus.clone());
        for vcpu in cell.vcpus.clone() {
            x.leaf("vcpupin", &[("vcpu", &vcpu.to_string()), ("cpuset", &own)]);
        }
    }
    x.leaf("emulatorpin", &[("cpuset", cpuset)]);
}

fn nodes(x: &mut Xml, shape: &Shape, binding: Binding) {
    let mode = match binding {
        Binding::Strict => "strict",
        Binding::Preferred => "preferred",
    };
    if let Some(node) = shape.memory {
        x.leaf("memory", &[("mode", mode), ("nodeset", &node.to_string())]);
    }
    for (index, cell) in shape.cells.iter().enumerate() {
        let (index, node) = (index.to_string(), cell.node.to_string());
        x.leaf("memnode", &[("cellid", &index), ("mode", mode), ("nodeset", &node)]);
    }
}

/// Inside of `<cpu>`: the guest's NUMA nodes. Each is a socket where they are equal, so that a guest's own picture of
/// its caches does not cross a node.
pub(super) fn cells(x: &mut Xml, machine: &MachineSpec, shape: &Shape) {
    let sockets = u32::try_from(shape.cells.len()).unwrap_or(u32::MAX);
    if sockets == 0 {
        return;
    }
    if machine.vcpus.is_multiple_of(sockets) {
        let (sockets, cores) = (sockets.to_string(), (machine.vcpus / sockets).to_string());
        let attrs = [("sockets", &*sockets), ("dies", "1"), ("cores", &*cores), ("threads", "1")];
        x.leaf("topology", &attrs);
    }
    x.nest("numa", &[], |x| {
        for (index, cell) in shape.cells.iter().enumerate() {
            let (index, cpus) = (index.to_string(), ranges(cell.vcpus.clone().collect()));
            let memory = (cell.memory >> 10).to_string();
            let attrs = [("id", &*index), ("cpus", &*cpus), ("memory", &*memory), ("unit", "KiB")];
            x.leaf("cell", &attrs);
        }
    });
}

/// `0-3,8,10-11`.
fn ranges(mut numbers: Vec<u32>) -> String {
    numbers.sort_unstable();
    numbers.dedup();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let run = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_ranges() {
        assert_eq!(ranges(vec![9, 0, 2, 1, 4, 9]), "0-2,4,9");
    }
}
