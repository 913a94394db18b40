//! `<memory>`, `<numatune>` and `<cputune>`: size, and pinning to the NUMA nodes of the devices.

use super::{domain::Ground, writer::Xml};
use crate::domain::machine::MachineSpec;

/// Memory, CPUs and where on the host they are.
pub(super) fn memory(x: &mut Xml, machine: &MachineSpec, ground: &Ground) {
    x.text("memory", &[("unit", "KiB")], &(machine.memory >> 10).to_string());
    x.text("currentMemory", &[("unit", "KiB")], &(machine.memory >> 10).to_string());
    let vcpus = machine.vcpus.to_string();
    let cpus: Vec<u32> = machine
        .numa_nodes
        .iter()
        .filter_map(|node| ground.capabilities.nodes.get(node))
        .flatten()
        .copied()
        .collect();
    let nodes: Vec<u32> = machine.numa_nodes.clone();
    // a node without known CPUs (the test driver) is not pinned to: half a pinning would be worse than none
    if cpus.is_empty() {
        return x.text("vcpu", &[("placement", "static")], &vcpus);
    }
    let cpuset = ranges(cpus);
    x.text("vcpu", &[("placement", "static"), ("cpuset", &cpuset)], &vcpus);
    x.nest("cputune", &[], |x| x.leaf("emulatorpin", &[("cpuset", &cpuset)]));
    x.nest("numatune", &[], |x| {
        x.leaf("memory", &[("mode", "strict"), ("nodeset", &ranges(nodes))]);
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
