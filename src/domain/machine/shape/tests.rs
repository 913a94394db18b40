//! A host of two nodes, and machines of all shapes on it.

use super::*;
use crate::domain::machine::DeviceRef;

fn host() -> Topology {
    let node = |first: u32| HostNode {
        cpus: (first..first + 8).collect(),
        memory: 64 << 30,
        pages: [(4 << 10, 1 << 24), (1 << 30, 16)].into_iter().collect(),
    };
    Topology { nodes: [(0, node(0)), (1, node(8))].into_iter().collect() }
}

fn machine(numa: NumaPolicy, nodes: &[Option<u32>]) -> MachineSpec {
    let device = |n: usize| DeviceRef::Pci {
        address: format!("{:02x}:00.0", n + 1).parse().unwrap(),
        companions: vec![],
    };
    MachineSpec {
        vcpus: 6,
        memory: 16 << 30,
        devices: (0..nodes.len()).map(device).collect(),
        numa,
        device_nodes: nodes.to_vec(),
        ..MachineSpec::default()
    }
}

fn of(machine: &MachineSpec) -> Shape {
    shape(machine, &[], &host()).unwrap()
}

#[test]
fn devices_of_one_node_bind_cpus_and_memory_to_it() {
    let strict = of(&machine(NumaPolicy::Required, &[Some(1), Some(1)]));
    assert_eq!((strict.cpus.clone(), strict.memory), ((8..16).collect(), Some(1)));
    assert_eq!((strict.binding, strict.cells.len()), (Some(Binding::Strict), 0));
    let soft = of(&machine(NumaPolicy::Preferred, &[Some(1), Some(1)]));
    assert_eq!(soft, Shape { binding: Some(Binding::Preferred), ..strict });
}

#[test]
fn nothing_is_bound_when_it_is_no_matter_or_not_known() {
    let plain = Shape { below: vec![None, None], ..Shape::default() };
    assert_eq!(of(&machine(NumaPolicy::Ignored, &[Some(0), Some(1)])), plain);
    assert_eq!(of(&machine(NumaPolicy::Preferred, &[None, Some(7)])), plain);
    assert_eq!(of(&machine(NumaPolicy::Required, &[])), Shape::default());
    let wanted = machine(NumaPolicy::Required, &[Some(0), Some(0)]);
    assert_eq!(shape(&wanted, &[], &Topology::default()).unwrap(), plain);
}

#[test]
fn devices_of_two_nodes_make_two_cells_with_each_device_in_its_own() {
    let wanted = MachineSpec {
        vcpus: 7,
        memory: (16 << 30) + MIB,
        ..machine(NumaPolicy::Preferred, &[Some(1), None, Some(0), Some(1)])
    };
    let shape = of(&wanted);
    assert_eq!(shape.below, [Some(1), None, Some(0), Some(1)]);
    let [first, second] = shape.cells.as_slice() else { panic!("{shape:?}") };
    assert_eq!((first.node, first.vcpus.clone(), first.memory), (0, 0..4, 8 << 30));
    assert_eq!((second.node, second.vcpus.clone(), second.memory), (1, 4..7, (8 << 30) + MIB));
    assert_eq!((first.cpus.clone(), second.cpus.clone()), ((0..8).collect(), (8..16).collect()));
    assert_eq!((shape.memory, shape.binding), (None, Some(Binding::Preferred)));
    let one = of(&MachineSpec { vcpus: 1, ..wanted });
    assert!(one.cells.is_empty() && one.below.iter().all(Option::is_none), "{one:?}");
}

#[test]
fn who_has_more_cpus_than_its_nodes_is_not_squeezed_unless_it_asks() {
    let many = |numa, nodes: &[_]| of(&MachineSpec { vcpus: 40, ..machine(numa, nodes) });
    assert!(many(NumaPolicy::Preferred, &[Some(0)]).cpus.is_empty());
    assert_eq!(many(NumaPolicy::Preferred, &[Some(0)]).memory, Some(0));
    assert_eq!(many(NumaPolicy::Required, &[Some(0)]).cpus.len(), 8);
    let cells = many(NumaPolicy::Preferred, &[Some(0), Some(1)]).cells;
    assert!(cells.len() == 2 && cells.iter().all(|cell| cell.cpus.is_empty()), "{cells:?}");
}

#[test]
fn what_must_be_on_a_node_has_to_fit_there() {
    let large = |numa| MachineSpec { memory: 100 << 30, ..machine(numa, &[Some(0)]) };
    let why = shape(&large(NumaPolicy::Required), &[], &host()).unwrap_err();
    assert_eq!(why, "NUMA node 0 has 65536 MiB of memory, and 102400 MiB must be there");
    assert!(shape(&large(NumaPolicy::Preferred), &[], &host()).is_ok());
}

#[test]
fn huge_pages_must_be_there_and_come_out_even() {
    let of = |numa, nodes: &[_], gib: u64, more: Bytes, size: &str| {
        let hugepages = HugePages::read(Some(size)).unwrap();
        let memory = (gib << 30) + more;
        shape(&MachineSpec { memory, hugepages, ..machine(numa, nodes) }, &[], &host())
    };
    let two = &[Some(0), Some(1)];
    let cells = of(NumaPolicy::Preferred, two, 31, 0, "1G").unwrap().cells;
    assert_eq!([cells[0].memory >> 30, cells[1].memory >> 30], [16, 15]);
    let why = of(NumaPolicy::Ignored, &[], 33, 0, "1G").unwrap_err();
    assert_eq!(why, "the host has 32 huge pages of 1G, and 33 are needed");
    let why = of(NumaPolicy::Required, &[Some(1)], 17, 0, "1G").unwrap_err();
    assert_eq!(why, "NUMA node 1 of the host has 16 huge pages of 1G, and 17 are needed");
    let why = of(NumaPolicy::Ignored, &[], 1, MIB, "1G").unwrap_err();
    assert_eq!(why, "1025 MiB of memory are no whole number of 1G huge pages");
    assert!(of(NumaPolicy::Ignored, &[], 1, 0, "2M").unwrap_err().contains("has 0 huge pages"));
    assert!(of(NumaPolicy::Required, &[Some(0)], 40, MIB, "true").is_ok(), "the host knows");
    assert_eq!(HugePages::read(Some("false")), Ok(None));
    assert!(HugePages::read(Some("4k")).is_err());
}

#[test]
fn the_window_holds_every_bar_at_its_place() {
    assert_eq!(window(&[]), None);
    assert_eq!(window(&[vec![16 << 30]]), None, "firmware finds 32 GiB by itself");
    // eight cards of 128 GiB and a little: each takes 256, for the next begins at a multiple of 128
    let card = vec![128 << 30, 32 * MIB];
    assert_eq!(window(&vec![card; 8]), Some((8 * 256 + 128 + 1) << 30));
    assert_eq!(window(&[vec![], vec![32 << 30]]), Some(65 << 30));
}
