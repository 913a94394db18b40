//! What discovery makes of hosts of many kinds.

use super::*;
use crate::domain::gpu::{ProfileKind, samples::*};

fn types(inventory: &Inventory) -> Vec<(String, DeviceType)> {
    inventory.devices.iter().map(|d| (d.address.clone(), d.device_type)).collect()
}

#[test]
fn a_whole_gpu_is_one_device_named_by_the_catalogue() {
    let found = look(&seen(vec![a100("07:00.0"), function("08:00.0", 0x0200, 0x8086, 1)], vec![]));
    let [gpu] = found.devices.as_slice() else { panic!("{found:?}") };
    assert_eq!((gpu.address.as_str(), gpu.device_type), ("0000:07:00.0", DeviceType::PCI));
    assert_eq!(gpu.card.name(), "NVIDIA A100 SXM4 80GB");
    assert_eq!((gpu.card.vendor_hex(), gpu.card.device_hex()), ("10de".into(), "20b2".into()));
    assert_eq!((gpu.profile.name.as_str(), gpu.profile.memory_mib), ("passthrough", Some(81920)));
    assert_eq!(gpu.profile.kind, ProfileKind::Passthrough);
    assert!(gpu.assessment.is_ready() && found.is_plausible && found.skipped.is_empty());
}

#[test]
fn an_unknown_card_is_named_by_what_libvirt_read() {
    let mut gpu = function("10000:01:00.0", 0x1200, 0x1234, 0x0001);
    assert_eq!(card_facts(&gpu).name(), "Vendor 1234 Product 0001");
    gpu.vendor = String::new();
    gpu.product = " ".into();
    assert_eq!(card_facts(&gpu).name(), "Vendor 1234 Device 1234:0001");
    assert_eq!(look(&seen(vec![gpu], vec![])).devices[0].address, "10000:01:00.0");
}

#[test]
fn management_chips_are_left_out_with_the_reason() {
    let found = look(&seen(vec![function("03:00.0", 0x0300, 0x1a03, 0x2000)], vec![]));
    assert!(found.devices.is_empty());
    assert!(found.skipped[0].reason.contains("management controller"));
}

#[test]
fn nothing_at_all_is_no_plausible_answer() {
    assert!(!look(&seen(vec![], vec![])).is_plausible);
}

#[test]
fn audio_travels_with_its_gpu_and_bridges_stay() {
    let mut all = vec![
        a100("07:00.0"),
        function("07:00.1", 0x0403, 0x10de, 0x10fa),
        function("06:00.0", 0x0604, 0x8086, 1),
    ];
    share_group(&mut all);
    let found = look(&seen(all, vec![]));
    let [gpu] = found.devices.as_slice() else { panic!("{found:?}") };
    assert_eq!(gpu.companions, [at("07:00.1")]);
    assert!(gpu.assessment.is_ready());
}

#[test]
fn a_stranger_in_the_group_stops_the_device() {
    for stranger in [
        function("07:00.1", 0x0200, 0x15b3, 0x1019),
        function("00:1f.3", 0x0403, 0x8086, 0xa348),
        function("05:00.0", 0x0104, 0x1000, 0x0016),
        function("03:00.0", 0x0300, 0x1a03, 0x2000),
    ] {
        let mut all = vec![a100("07:00.0"), stranger];
        share_group(&mut all);
        let found = look(&seen(all, vec![]));
        assert_eq!(found.devices[0].assessment.stop_short(), Some("IOMMU group shared"));
    }
    let mut alone = a100("07:00.0");
    alone.group_members.push(at("07:00.1"));
    let found = look(&seen(vec![alone], vec![]));
    assert!(!found.devices[0].assessment.is_ready(), "a member that was not shown");
}

#[test]
fn two_gpus_of_a_group_are_peers_and_share_no_companion() {
    let mut all = vec![
        a100("07:00.0"),
        function("07:00.1", 0x0403, 0x10de, 1),
        a100("08:00.0"),
        function("08:00.1", 0x0403, 0x10de, 1),
    ];
    share_group(&mut all);
    let found = look(&seen(all, vec![]));
    let [one, two] = found.devices.as_slice() else { panic!("{found:?}") };
    assert_eq!((&one.peers[..], &one.companions[..]), (&[at("08:00.0")][..], &[at("07:00.1")][..]));
    assert_eq!((&two.peers[..], &two.companions[..]), (&[at("07:00.0")][..], &[at("08:00.1")][..]));
    assert!(one.assessment.is_ready() && two.assessment.is_ready());
}

#[test]
fn virtual_functions_that_carry_slices_are_no_devices() {
    let found = look(&seen(a16(1), vec![]));
    assert_eq!(types(&found), [("0000:63:00.0".into(), DeviceType::VGPUOnly)]);
    let gpu = &found.devices[0];
    assert_eq!(gpu.assessment.stop_short(), Some("used in slices"), "as a whole");
    let small = gpu.slices.iter().filter(|s| s.mdev_type == "nvidia-699").collect::<Vec<_>>();
    assert_eq!(small.len(), 2);
    assert_eq!((small[0].carrier, small[0].capacity, small[0].gpu_capacity), (at("63:00.4"), 1, 2));
    let large = gpu.slices.iter().find(|s| s.mdev_type == "nvidia-703").unwrap();
    assert_eq!(large.gpu_capacity, 1, "16 GiB fit once, however many functions offer it");
}

#[test]
fn an_mdev_is_a_child_of_the_physical_gpu() {
    let mut functions = a16(0);
    functions[2].mdev_types[0].available = 1;
    let found = look(&seen(functions, vec![mdev(5, "63:00.4", "nvidia-699")]));
    let [gpu, slice] = found.devices.as_slice() else { panic!("{found:?}") };
    assert_eq!(slice.address, "00000000-0000-0000-0000-000000000005");
    assert_eq!(slice.parent.as_ref(), Some(&gpu.address));
    assert_eq!((slice.function, slice.device_type), (at("63:00.4"), DeviceType::MDEV));
    assert_eq!(
        (slice.profile.name.as_str(), slice.profile.memory_mib),
        ("NVIDIA A16-1Q", Some(1024))
    );
    assert_eq!((slice.pci_root, slice.iommu_group), (Some(at("60:01.0")), Some(200)));
    let capacities: Vec<_> =
        gpu.slices.iter().map(|s| (s.carrier, s.capacity, s.is_mixed)).collect();
    assert_eq!(capacities, [(at("63:00.4"), 1, false), (at("63:00.5"), 1, false)]);
}

#[test]
fn another_type_offered_beside_a_slice_means_mixing_is_allowed() {
    let mut functions = a16(0);
    functions[2].mdev_types[1].available = 1;
    let found = look(&seen(functions, vec![mdev(5, "63:00.4", "nvidia-699")]));
    let large = found.devices[0].slices.iter().find(|s| s.mdev_type == "nvidia-703").unwrap();
    assert!(large.is_mixed);
}

#[test]
fn where_nothing_can_be_made_nothing_is_offered() {
    let mut all = seen(a16(1), vec![mdev(5, "63:00.4", "nvidia-699")]);
    all.can_create_mdevs = false;
    let found = look(&all);
    assert_eq!(found.devices.len(), 2);
    assert!(found.devices[0].slices.is_empty());
}

#[test]
fn a_virtual_function_is_a_part_of_its_card() {
    let mut gpu = function("c1:00.0", 0x1200, 0x1002, 0x74a1);
    let mut part = function("c1:02.0", 0x1200, 0x1002, 0x74b5);
    part.physical = Some(gpu.address);
    part.numa_node = None;
    gpu.virtual_functions = vec![part.address];
    let found = look(&seen(vec![part, gpu], vec![]));
    let [whole, part] = found.devices.as_slice() else { panic!("{found:?}") };
    assert_eq!(whole.device_type, DeviceType::VGPUOnly);
    assert_eq!((part.device_type, part.numa_node), (DeviceType::PCI, Some(0)));
    assert_eq!((part.card.device_id, part.profile.kind), (0x74a1, ProfileKind::VirtualFunction));
    assert_eq!(part.profile.name, "Instinct MI300X VF");
}

#[test]
fn an_nvidia_virtual_function_without_a_type_is_left_out() {
    let mut functions = a16(1);
    functions[1].mdev_types.clear();
    let found = look(&seen(functions.clone(), vec![]));
    assert_eq!(found.devices.len(), 1);
    assert_eq!(found.skipped[0].address, at("63:00.4"));
    let rules = Rules { include: vec!["10de:25b6".parse().unwrap()], ..Rules::default() };
    let host = HostConditions { iommu: true, is_test: false };
    assert_eq!(observe(&seen(functions, vec![]), &rules, host).devices.len(), 2);
}

#[test]
fn the_switch_is_the_upstream_port_above_the_gpu() {
    let chain = [at("05:04.0"), at("04:00.0"), at("00:03.0")];
    assert_eq!(place(&chain), (Some(at("00:03.0")), Some(at("04:00.0"))));
    assert_eq!(place(&chain[2..]), (Some(at("00:03.0")), None));
    assert_eq!(place(&[]), (None, None));
}
