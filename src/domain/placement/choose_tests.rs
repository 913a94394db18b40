//! The search against trying every subset, and the cases people care about.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

const PREFERRED: Policy =
    Policy { numa: NumaPolicy::Preferred, packing: Packing::Pack, mix: Mix::EVEN };
const REQUIRED: Policy = Policy { numa: NumaPolicy::Required, ..PREFERRED };
const IGNORED: Policy = Policy { numa: NumaPolicy::Ignored, ..PREFERRED };
const SPREAD: Policy = Policy { packing: Packing::Spread, ..PREFERRED };
const SKEWED: Policy = Policy { mix: Mix::SKEWED, ..PREFERRED };

/// On a host whose devices are not wired to each other.
fn choose(free: &[FreeDevice], count: u32, policy: Policy) -> Option<Chosen> {
    super::choose(free, &Fabric::default(), count, policy, &Narrow::default())
}

fn gpu(number: u32) -> Id<id::GpuDevice> {
    Id::from_uuid(Uuid::from_u128(number.into()))
}

fn device(number: u32, numa_node: Option<u32>, switch: Option<u8>) -> FreeDevice {
    FreeDevice {
        pick: Pick::Device(gpu(number)),
        numa_node,
        place: switch.map(|bus| PciAddress { domain: 0, bus, slot: 0, function: 0 }),
        gpu: None,
        gpu_load: 0,
        unit: None,
        module: None,
    }
}

/// Two nodes, two switches on each, two devices below each.
fn eight() -> Vec<FreeDevice> {
    (0..8u8).map(|n| device(n.into(), Some(u32::from(n) / 4), Some(n / 2))).collect()
}

fn numbers(chosen: Option<Chosen>) -> Option<Vec<u128>> {
    chosen.map(|c| {
        let number = |p: &Pick| match p {
            Pick::Device(id) | Pick::Slice { gpu: id, .. } => id.uuid().as_u128(),
        };
        c.picks.iter().map(number).collect()
    })
}

fn without(mut free: Vec<FreeDevice>, gone: &[u32]) -> Vec<FreeDevice> {
    free.retain(|d| gone.iter().all(|&n| d.pick != Pick::Device(gpu(n))));
    free
}

fn chosen(free: &[FreeDevice], count: u32, policy: Policy) -> Option<Vec<u128>> {
    numbers(choose(free, count, policy))
}

#[test]
fn the_tightest_set_wins_and_ties_go_to_the_lowest_ids() {
    assert_eq!(chosen(&eight(), 2, PREFERRED), Some(vec![0, 1]));
    assert_eq!(chosen(&eight(), 4, PREFERRED), Some(vec![0, 1, 2, 3]));
    assert_eq!(chosen(&eight(), 8, REQUIRED), None);
    assert_eq!(chosen(&eight(), 8, PREFERRED).unwrap().len(), 8);
    assert_eq!(chosen(&eight(), 9, PREFERRED), None);
    assert_eq!(chosen(&eight(), 0, PREFERRED), None);
}

#[test]
fn a_single_device_does_not_break_what_is_whole() {
    assert_eq!(chosen(&without(eight(), &[5]), 1, PREFERRED), Some(vec![4]));
    assert_eq!(chosen(&without(eight(), &[0, 1, 7]), 2, PREFERRED), Some(vec![2, 3]));
}

#[test]
fn few_nodes_come_before_low_ids() {
    // free 1, 2 and 4 on three nodes: five need two of them
    let nodes = [0, 1, 1, 2, 2, 2, 2];
    let free: Vec<_> = (0..).zip(nodes).map(|(n, node)| device(n, Some(node), None)).collect();
    let five = choose(&free, 5, PREFERRED).unwrap();
    assert_eq!((five.cost.nodes, five.numa_nodes), (2, vec![0, 2]));
    assert_eq!(chosen(&free, 5, REQUIRED), None);
    assert_eq!(chosen(&free, 4, REQUIRED), Some(vec![3, 4, 5, 6]));
}

#[test]
fn nodes_without_room_come_last_or_not_at_all() {
    let of = |nodes: &[(u32, u32)], count, policy| {
        let narrow = Narrow::new(nodes.iter().copied());
        let found = super::choose(&eight(), &Fabric::default(), count, policy, &narrow);
        found.map(|it| (it.cost.nodes, it.numa_nodes))
    };
    assert_eq!(of(&[(0, 2)], 2, REQUIRED), Some((1, vec![1])));
    assert_eq!(of(&[(0, 2), (1, 2)], 2, REQUIRED), None);
    assert_eq!(of(&[(0, 2)], 4, PREFERRED), Some((1, vec![1])));
    assert_eq!(of(&[(0, 2), (1, 2)], 4, PREFERRED), Some((2, vec![0])), "its memory lies on both");
    assert_eq!(of(&[(0, 2), (1, 2)], 8, PREFERRED), Some((2, vec![0, 1])), "each holds a half");
    assert_eq!(of(&[(0, 2), (1, 3)], 8, PREFERRED), Some((3, vec![0, 1])));
    assert_eq!(of(&[(0, 2), (1, 3)], 8, IGNORED), Some((0, vec![0, 1])));
}

#[test]
fn unknown_is_not_a_node() {
    let free = [
        device(0, None, None),
        device(1, None, None),
        device(2, Some(1), None),
        device(3, Some(1), None),
    ];
    assert_eq!(chosen(&free, 2, PREFERRED), Some(vec![2, 3]));
    assert_eq!(chosen(&free[..2], 2, REQUIRED), None, "nobody knows whether it is one node");
    assert_eq!(chosen(&free[..2], 1, REQUIRED), Some(vec![0]));
    assert_eq!(chosen(&free[..2], 2, PREFERRED), Some(vec![0, 1]));
}

#[test]
fn a_group_goes_to_those_who_take_all_of_it() {
    let mut free = eight();
    for n in [0, 1, 2] {
        free[n].unit = Some(7);
    }
    assert_eq!(chosen(&free, 1, PREFERRED), Some(vec![3]));
    assert_eq!(chosen(&free, 3, PREFERRED), Some(vec![0, 1, 2]));
    assert_eq!(chosen(&free[..3], 2, PREFERRED), None);
    assert_eq!(chosen(&free[..4], 4, REQUIRED), Some(vec![0, 1, 2, 3]));
}

fn slices(number: u32, load: u32, count: u32) -> Vec<FreeDevice> {
    let profile = Id::from_uuid(Uuid::from_u128(99));
    let pick = Pick::Slice { gpu: gpu(number), profile };
    let one = FreeDevice {
        pick,
        gpu: Some(gpu(number)),
        gpu_load: load,
        ..device(number, Some(0), Some(1))
    };
    vec![one; count as usize]
}

#[test]
fn slices_fill_the_gpu_that_is_cut_already() {
    let free = [slices(1, 0, 4), slices(2, 2, 2), slices(3, 0, 4)].concat();
    assert_eq!(chosen(&free, 2, PREFERRED), Some(vec![2, 2]));
    assert_eq!(chosen(&free, 3, PREFERRED), Some(vec![1, 2, 2]));
    assert_eq!(chosen(&free, 2, SPREAD), Some(vec![1, 3]));
}

#[test]
fn many_devices_are_chosen_quickly() {
    let free: Vec<_> = (0..64).map(|n| device(n, Some(n / 16), Some((n / 4) as u8))).collect();
    assert_eq!(choose(&free, 24, PREFERRED).unwrap().cost.nodes, 2);
    let odd: Vec<_> = (0..40).map(|n| device(n, Some(n / 20), Some(n as u8))).collect();
    assert_eq!(choose(&odd, 20, PREFERRED).unwrap().cost.nodes, 1);
}

/// Modules 1 to 8 in an order that is not the bus's, and the usual partitions.
fn wired() -> (Vec<FreeDevice>, Fabric) {
    let modules = [5, 7, 8, 6, 1, 3, 4, 2];
    let mut free = eight();
    for (device, module) in free.iter_mut().zip(modules) {
        device.module = Some(module);
    }
    let fabric = "1,2,3,4,5,6,7,8 1,2,3,4 5,6,7,8 1,3 2,4 5,7 6,8 1 2 3 4 5 6 7 8";
    (free, fabric.parse().unwrap())
}

#[test]
fn wired_devices_are_given_by_partitions_of_their_modules() {
    let (free, fabric) = wired();
    let chosen = |free: &[FreeDevice], count| {
        numbers(super::choose(free, &fabric, count, PREFERRED, &Narrow::default()))
    };
    assert_eq!(chosen(&free, 2), Some(vec![0, 1]), "modules 5 and 7");
    assert_eq!(chosen(&free, 4), Some(vec![0, 1, 2, 3]));
    assert_eq!(chosen(&free, 3), None, "there is no partition of three");
    assert_eq!(chosen(&free, 8).unwrap().len(), 8);
    // modules 5 and 6 are neighbours on the bus and no partition
    assert_eq!(chosen(&without(free.clone(), &[1, 2, 4, 5, 6, 7]), 2), None);
    // one of each pair is gone: no pair is left, whatever is free
    let broken = without(free.clone(), &[0, 2, 4, 6]);
    assert_eq!((chosen(&broken, 2), chosen(&broken, 1)), (None, Some(vec![1])));
    // a single one goes where a pair is broken already
    assert_eq!(chosen(&without(free, &[6]), 1), Some(vec![7]));
}

/// The cost of a set, straight from the definition.
fn plain_cost(
    free: &[FreeDevice],
    fabric: &Fabric,
    mask: u32,
    policy: Policy,
    narrow: &Narrow,
) -> Cost {
    let is_in = |n: usize| mask >> n & 1 == 1;
    let set: Vec<&FreeDevice> = (0..free.len()).filter(|&n| is_in(n)).map(|n| &free[n]).collect();
    let known = |of: &dyn Fn(&FreeDevice) -> Option<u64>| {
        let found: BTreeSet<u64> = set.iter().filter_map(|d| of(d)).collect();
        (found.len() + set.iter().filter(|d| of(d).is_none()).count()) as u32
    };
    let node = |d: &FreeDevice| d.numa_node.map(u64::from);
    let place = |d: &FreeDevice| d.place.map(|p| u64::from(p.bus));
    let rest: Vec<&FreeDevice> = (0..free.len()).filter(|&n| !is_in(n)).map(|n| &free[n]).collect();
    let all: Vec<&FreeDevice> = free.iter().collect();
    let worth = |set: &[&FreeDevice]| plain_worth(set, free, fabric, policy.mix);
    let damage = worth(&all) - worth(&rest);
    let (opened, crowding) = plain_crowding(&set, policy.packing);
    let cost = Cost { opened, crowding, damage, ..Cost::default() };
    match policy.numa {
        NumaPolicy::Ignored => cost,
        _ => {
            let nodes: BTreeSet<u32> = set.iter().filter_map(|d| d.numa_node).collect();
            let short = nodes.iter().any(|node| narrow.parts(*node) > nodes.len() as u32);
            let nodes = known(&node) + u32::from(short);
            Cost { nodes, places: known(&place), ..cost }
        }
    }
}

/// GPUs that get their first slice, and how close slices are.
fn plain_crowding(set: &[&FreeDevice], packing: Packing) -> (u32, u32) {
    let slices: Vec<&&FreeDevice> = set.iter().filter(|d| d.gpu.is_some()).collect();
    let fresh = slices.iter().filter(|d| d.gpu_load == 0);
    let opened: BTreeSet<_> = fresh.clone().map(|d| d.gpu).collect();
    let beside = |n: usize, d: &FreeDevice| {
        d.gpu_load + slices[..n].iter().filter(|other| other.gpu == d.gpu).count() as u32
    };
    match packing {
        Packing::Pack => (opened.len() as u32, fresh.count() as u32),
        Packing::Spread => (0, slices.iter().enumerate().map(|(n, d)| beside(n, d)).sum()),
    }
}

fn modules(set: &[&FreeDevice]) -> Modules {
    set.iter().filter_map(|d| d.module).collect()
}

fn plain_worth(set: &[&FreeDevice], free: &[FreeDevice], fabric: &Fabric, mix: Mix) -> u32 {
    let units = |d: &FreeDevice| -> Vec<&FreeDevice> {
        match d.unit {
            None => vec![],
            unit => free.iter().filter(|x| x.unit == unit).collect(),
        }
    };
    let is_wired = |d: &FreeDevice| {
        !fabric.is_empty() && (d.module.is_some() || units(d).iter().any(|x| x.module.is_some()))
    };
    let mut worth = 0;
    let nodes: BTreeSet<u32> = free.iter().filter_map(|d| d.numa_node).collect();
    let largest = if nodes.len() > 2 { 2 } else { 4 };
    for (shape, weight) in [1u32, 2, 4, 8].into_iter().zip(mix.weights()) {
        let wired = fabric.partitions().iter().filter(|p| p.len() == shape);
        worth += weight * shape * wired.filter(|p| modules(set).contains(**p)).count() as u32;
        let fits = |d: &FreeDevice| units(d).len() as u32 <= shape && !is_wired(d);
        let usable: Vec<&FreeDevice> = set.iter().copied().filter(|d| fits(d)).collect();
        let mut counts: BTreeMap<(u8, u64), u32> = BTreeMap::new();
        for device in &usable {
            let same = |of: &dyn Fn(&FreeDevice) -> Option<u64>| {
                let own = of(device);
                own.filter(|_| units(device).iter().all(|x| of(x) == own))
            };
            // what a node holds counts there alone, and twice
            let node = same(&|d| d.numa_node.map(u64::from)).map_or(u64::MAX, |node| node);
            let wide = if shape > largest { (0, 0) } else { (1, node) };
            *counts.entry(wide).or_default() += 1;
            if let Some(place) = same(&|d| d.place.map(|p| u64::from(p.bus))) {
                *counts.entry((2, place)).or_default() += 1;
            }
        }
        let each = |((level, _), c): (&(u8, u64), &u32)| {
            c / shape * shape * weight * if *level < 2 { 2 } else { 1 }
        };
        worth += counts.iter().map(each).sum::<u32>();
    }
    worth
}

fn by_trying_all(
    free: &[FreeDevice],
    fabric: &Fabric,
    count: u32,
    policy: Policy,
    narrow: &Narrow,
) -> Option<(Cost, Vec<Pick>)> {
    let is_allowed = |mask: u32| {
        let set: Vec<&FreeDevice> =
            (0..free.len()).filter(|n| mask >> n & 1 == 1).map(|n| &free[n]).collect();
        fabric.is_empty() || fabric.allows(modules(&set))
    };
    let is_whole = |mask: u32| {
        free.iter().enumerate().all(|(n, d)| {
            let partners =
                free.iter().enumerate().filter(|(_, x)| d.unit.is_some() && x.unit == d.unit);
            mask >> n & 1 == 0 || partners.into_iter().all(|(m, _)| mask >> m & 1 == 1)
        })
    };
    (0u32..1 << free.len())
        .filter(|mask| mask.count_ones() == count && is_whole(*mask) && is_allowed(*mask))
        .map(|mask| {
            let mut picks: Vec<Pick> =
                (0..free.len()).filter(|n| mask >> n & 1 == 1).map(|n| free[n].pick).collect();
            picks.sort_unstable();
            (plain_cost(free, fabric, mask, policy, narrow), picks)
        })
        .filter(|(cost, _)| policy.numa != NumaPolicy::Required || cost.nodes <= 1)
        .min()
}

pub(in crate::domain::placement) fn any_host(
    size: usize,
) -> impl Strategy<Value = Vec<FreeDevice>> {
    let one = (0u32..4, 0u8..4, 0u32..9);
    (proptest::collection::vec(one, size), any::<bool>()).prop_map(|(spots, orderly)| {
        let at = |(n, (node, switch, unit)): (u32, (u32, u8, u32))| {
            let node = node.checked_sub(1);
            // on orderly hosts a switch belongs to one node
            let above = node.unwrap_or(3) as u8 * 4;
            let switch = switch.checked_sub(1).map(|s| if orderly { above + s } else { s });
            let unit = (unit < 3).then_some(unit);
            FreeDevice { unit, ..device(n * 7 % 13, node, switch) }
        };
        (0..).zip(spots).map(at).collect()
    })
}

/// Slices that are there and slices that can be made, of up to four GPUs, beside GPUs that are whole.
fn any_slices(size: usize) -> impl Strategy<Value = Vec<FreeDevice>> {
    let gpus = proptest::collection::vec((0u32..3, 0u8..4, 0u32..3), 4);
    let picks = proptest::collection::vec((0usize..5, any::<bool>()), size);
    (gpus, picks).prop_map(|(gpus, picks)| {
        let profile = Id::from_uuid(Uuid::from_u128(99));
        let one = |(n, (of, is_made)): (u32, (usize, bool))| {
            let Some((node, switch, load)) = gpus.get(of) else {
                return device(n * 7 % 13, Some(n % 2), Some(9));
            };
            let whole = device(n * 7 % 13, node.checked_sub(1), switch.checked_sub(1));
            let its = gpu(90 + of as u32);
            let pick = if is_made { whole.pick } else { Pick::Slice { gpu: its, profile } };
            FreeDevice { pick, gpu: Some(its), gpu_load: *load, ..whole }
        };
        (0..).zip(picks).map(one).collect()
    })
}

/// Partitions as boards have them, of all sizes, of modules that some devices have.
fn any_fabric(size: usize) -> impl Strategy<Value = (Vec<FreeDevice>, Fabric)> {
    let whole = size as u8;
    let some = proptest::collection::vec(0..whole, 0..3);
    (any_host(size), Just((1..=whole).collect::<Vec<u8>>()).prop_shuffle(), some, 0u8..4).prop_map(
        move |(mut free, modules, loose, missing)| {
            for (device, module) in free.iter_mut().zip(modules) {
                device.module = Some(module);
            }
            for n in loose {
                free[usize::from(n)].module = None;
            }
            let sizes = [1, 2, 4, 8, 16].into_iter().filter(|size| *size <= whole);
            let of_size = |size: u8| {
                (0..whole / size).map(move |n| (n * size + 1..=(n + 1) * size).collect())
            };
            let partitions = sizes.flat_map(of_size).collect::<Vec<Modules>>();
            let kept = partitions.into_iter().skip(usize::from(missing));
            (free, Fabric::new(kept))
        },
    )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(vec![PREFERRED, REQUIRED, IGNORED, SKEWED, SPREAD])
}

fn found(
    free: &[FreeDevice],
    fabric: &Fabric,
    n: u32,
    policy: Policy,
    narrow: &Narrow,
) -> Option<(Cost, Vec<Pick>)> {
    super::choose(free, fabric, n, policy, narrow).map(|c| (c.cost, c.picks))
}

/// Up to four nodes, some of which hold a part of the demand only, or nothing.
fn any_narrow() -> impl Strategy<Value = Narrow> {
    proptest::collection::vec(1u32..5, 0..4).prop_map(|parts| Narrow::new((0..).zip(parts)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_search_finds_what_trying_all_subsets_finds(
        free in any_host(8),
        count in 1u32..9,
        policy in any_policy(),
        narrow in any_narrow(),
    ) {
        let none = Fabric::default();
        prop_assert_eq!(
            found(&free, &none, count, policy, &narrow),
            by_trying_all(&free, &none, count, policy, &narrow)
        );
    }

    #[test]
    fn and_so_it_does_among_slices(
        free in any_slices(9),
        count in 1u32..9,
        policy in any_policy(),
        narrow in any_narrow(),
    ) {
        let none = Fabric::default();
        prop_assert_eq!(
            found(&free, &none, count, policy, &narrow),
            by_trying_all(&free, &none, count, policy, &narrow)
        );
    }

    #[test]
    fn and_so_it_does_among_wired_devices(
        (free, fabric) in any_fabric(8),
        count in 1u32..9,
        policy in any_policy(),
        narrow in any_narrow(),
    ) {
        prop_assert_eq!(
            found(&free, &fabric, count, policy, &narrow),
            by_trying_all(&free, &fabric, count, policy, &narrow)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn and_so_it_does_for_sixteen(
        (free, fabric) in any_fabric(16),
        is_wired in any::<bool>(),
        count in 1u32..17,
        policy in any_policy(),
        narrow in any_narrow(),
    ) {
        let fabric = if is_wired { fabric } else { Fabric::default() };
        prop_assert_eq!(
            found(&free, &fabric, count, policy, &narrow),
            by_trying_all(&free, &fabric, count, policy, &narrow)
        );
    }
}
