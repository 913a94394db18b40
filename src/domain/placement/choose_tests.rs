//! The search against trying every subset, and the cases people care about.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

const PREFERRED: Policy = Policy { numa: NumaPolicy::Preferred, packing: Packing::Pack };
const REQUIRED: Policy = Policy { numa: NumaPolicy::Required, packing: Packing::Pack };
const IGNORED: Policy = Policy { numa: NumaPolicy::Ignored, packing: Packing::Pack };
const SPREAD: Policy = Policy { numa: NumaPolicy::Preferred, packing: Packing::Spread };

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

#[test]
#[ignore = "a measurement, run it by hand with --release"]
fn how_long_it_takes() {
    let roots: Vec<_> = (0..16).map(|n| device(n, Some(n / 8), Some(n as u8))).collect();
    for (name, free) in [("8, two nodes, four switches", eight()), ("16 roots", roots)] {
        for count in [1, 2, 4, 8] {
            let start = std::time::Instant::now();
            for _ in 0..100 {
                std::hint::black_box(choose(std::hint::black_box(&free), count, PREFERRED));
            }
            eprintln!("{name}, {count}: {:?}", start.elapsed() / 100);
        }
    }
}

/// The cost of a set, straight from the definition.
fn plain_cost(free: &[FreeDevice], mask: u32, policy: Policy) -> Cost {
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
    let damage = plain_worth(&all, free) - plain_worth(&rest, free);
    match policy.numa {
        NumaPolicy::Ignored => Cost { damage, ..Cost::default() },
        _ => Cost { nodes: known(&node), places: known(&place), damage, ..Cost::default() },
    }
}

fn plain_worth(set: &[&FreeDevice], free: &[FreeDevice]) -> u32 {
    let units = |d: &FreeDevice| -> Vec<&FreeDevice> {
        match d.unit {
            None => vec![],
            unit => free.iter().filter(|x| x.unit == unit).collect(),
        }
    };
    let mut worth = 0;
    for shape in [1u32, 2, 4, 8] {
        let fits = |d: &FreeDevice| units(d).len() as u32 <= shape;
        let usable: Vec<&FreeDevice> = set.iter().copied().filter(|d| fits(d)).collect();
        let mut counts: BTreeMap<(u8, u64), u32> = BTreeMap::new();
        for device in &usable {
            let same = |of: &dyn Fn(&FreeDevice) -> Option<u64>| {
                let own = of(device);
                own.filter(|_| units(device).iter().all(|x| of(x) == own))
            };
            *counts.entry((0, 0)).or_default() += 1;
            for (level, own) in [
                (1, same(&|d| d.numa_node.map(u64::from))),
                (2, same(&|d| d.place.map(|p| u64::from(p.bus)))),
            ] {
                if let Some(own) = own {
                    *counts.entry((level, own)).or_default() += 1;
                }
            }
        }
        worth += counts.values().map(|c| c / shape * shape).sum::<u32>();
    }
    worth
}

fn by_trying_all(free: &[FreeDevice], count: u32, policy: Policy) -> Option<(Cost, Vec<Pick>)> {
    let is_whole = |mask: u32| {
        free.iter().enumerate().all(|(n, d)| {
            let partners =
                free.iter().enumerate().filter(|(_, x)| d.unit.is_some() && x.unit == d.unit);
            mask >> n & 1 == 0 || partners.into_iter().all(|(m, _)| mask >> m & 1 == 1)
        })
    };
    (0u32..1 << free.len())
        .filter(|mask| mask.count_ones() == count && is_whole(*mask))
        .map(|mask| {
            let mut picks: Vec<Pick> =
                (0..free.len()).filter(|n| mask >> n & 1 == 1).map(|n| free[n].pick).collect();
            picks.sort_unstable();
            (plain_cost(free, mask, policy), picks)
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_search_finds_what_trying_all_subsets_finds(
        free in any_host(8),
        count in 1u32..9,
        policy in prop::sample::select(vec![PREFERRED, REQUIRED, IGNORED]),
    ) {
        let found = choose(&free, count, policy).map(|c| (c.cost, c.picks));
        prop_assert_eq!(found, by_trying_all(&free, count, policy));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn and_so_it_does_for_twelve(free in any_host(12), count in 1u32..13) {
        let found = choose(&free, count, PREFERRED).map(|c| (c.cost, c.picks));
        prop_assert_eq!(found, by_trying_all(&free, count, PREFERRED));
    }
}
