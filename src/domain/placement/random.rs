//! Random hosts of every kind against the laws: what is chosen is what looking at every host finds, what is offered is
//! granted, what a refusal says would fit fits.
//!
//! A host is made from numbers, one after the other; none of them left over means the plain thing, so a case that fails
//! shrinks to a plain one.

use super::{samples::*, *};
use crate::domain::{
    Id,
    catalogue::mig_profile,
    gpu::{
        Health, ManagedState, Pick,
        claim::{Granted, Room, Standing, grant},
        layout::Cut,
    },
    id,
    machine::Firmware,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Another card.
const OTHER: Id<id::VgpuProfile> = Id::from_uuid(uuid::Uuid::from_u128(1003));
/// A slice of another kind.
const HALF: Id<id::VgpuProfile> = Id::from_uuid(uuid::Uuid::from_u128(1004));
/// Each as often as it is asked for.
const PROFILES: [Id<id::VgpuProfile>; 7] = [WHOLE, QUARTER, OTHER, HALF, WHOLE, QUARTER, WHOLE];

/// Partitions of all sizes; a host misses some of them.
const PARTITIONS: &str = "1,2,3,4,5,6,7,8 1,2,3,4 5,6,7,8 1,3 2,4 5,7 6,8 1 2 3 4 5 6 7 8";

const GIB: u64 = 1 << 30;

#[derive(Debug, Clone)]
struct Dice(std::vec::IntoIter<u8>);

impl Dice {
    fn below(&mut self, most: u8) -> u8 {
        self.0.next().unwrap_or(0) % most
    }

    /// Once in so many times.
    fn once_in(&mut self, times: u8) -> bool {
        self.below(times) == times - 1
    }
}

fn dice(numbers: usize) -> impl Strategy<Value = Dice> {
    proptest::collection::vec(any::<u8>(), 0..numbers).prop_map(|all| Dice(all.into_iter()))
}

fn any_gpu(dice: &mut Dice, number: u8) -> HostDevice {
    let mut it = gpu(number);
    match dice.below(6) {
        4 => it.numa_node = None,
        5 => it.numa_node = Some(dice.below(3).into()),
        _ => {}
    }
    match dice.below(6) {
        4 => (it.pci_root, it.pci_switch) = (it.pci_switch, None),
        5 => it.pci_switch = None,
        _ => {}
    }
    let standing = &mut it.standing;
    match dice.below(6) {
        4 => standing.iommu_group = Some(70 + i32::from(number / 2)),
        5 => standing.iommu_group = None,
        _ => {}
    }
    match dice.below(16) {
        6 | 7 => standing.is_held = true,
        8 => standing.managed = ManagedState::Unmanaged,
        9 => standing.is_draining = true,
        10 => standing.health = Health::Missing,
        11 => standing.is_ready = false,
        _ => {}
    }
    if dice.once_in(8) {
        standing.profile = OTHER;
    }
    it
}

/// What a GPU can be cut into, and what it is cut into already.
fn any_slices(dice: &mut Dice, gpu: &HostDevice, number: u8) -> (Vec<Room>, Vec<HostDevice>) {
    let is_mig = dice.once_in(3);
    let mig = |name| mig_profile("a100-80", name).filter(|_| is_mig);
    let (small, large) = (mig("1g.10gb"), mig("3g.40gb"));
    let mut rooms = vec![Room { mig: small, ..room(number, 1 + i32::from(dice.below(4))) }];
    if dice.once_in(2) {
        let most = 1 + i32::from(dice.below(3));
        rooms.push(Room { profile: HALF, mig: large, ..room(number, most) });
    }
    let is_mixed = !is_mig && dice.once_in(3);
    rooms.iter_mut().for_each(|room| room.is_mixed = is_mixed);
    if dice.once_in(3) {
        // virtual functions carry one each
        let carriers = rooms.clone().into_iter().map(|mut room| {
            room.carrier.function = 1;
            room
        });
        let carriers: Vec<Room> = carriers.collect();
        rooms.extend(carriers);
        rooms.iter_mut().for_each(|room| room.capacity = 1);
    }
    let mut made = Vec::new();
    for n in 0..dice.below(3) {
        let mut one = slice_of(gpu, u128::from(number) * 10 + 100 + u128::from(n));
        let it = &mut one.standing;
        let (is_half, start) = (dice.once_in(2), dice.below(8));
        let cut = if is_half { large } else { small };
        it.profile = if is_half { HALF } else { QUARTER };
        let legal = |profile: &'static crate::domain::catalogue::MigProfile| {
            profile.starts.get(usize::from(start)).copied()
        };
        it.cut = cut.map(|profile| Cut { profile, start: legal(profile) });
        it.carrier.function = n;
        it.on_demand = dice.once_in(2);
        it.is_held = dice.once_in(2);
        made.push(one);
    }
    (rooms, made)
}

fn any_nodes(dice: &mut Dice) -> Vec<NodeRoom> {
    let mut nodes = Vec::new();
    for number in 0..3u32 {
        let (cpus, memory, busy) = (2 + dice.below(6), dice.below(5), dice.below(4));
        if memory > 0 {
            let all = node(number, cpus.into(), u64::from(memory - 1) * 4 * GIB);
            nodes.push(NodeRoom { free_mhz: all.free_mhz / 4 * u64::from(4 - busy), ..all });
        }
    }
    nodes
}

fn any_class(dice: &mut Dice) -> Class {
    Class {
        blocker: dice.once_in(6).then(|| "disabled".to_owned()),
        tags: if dice.once_in(3) { vec!["fast".to_owned()] } else { vec![] },
        firmware: dice.once_in(4).then_some(Firmware::Uefi),
        ..Class::default()
    }
}

fn any_candidate(mut dice: Dice) -> Candidate {
    let dice = &mut dice;
    let mut it = host(1 + u128::from(dice.below(8)), []);
    let gpus = 8 - dice.below(6);
    let devices: Vec<HostDevice> = (1..=gpus).map(|number| any_gpu(dice, number)).collect();
    for (number, device) in (1..).zip(&devices) {
        if dice.once_in(5) {
            let (rooms, made) = any_slices(dice, device, number);
            it.rooms.extend(rooms);
            it.devices.extend(made);
        }
    }
    it.devices.extend(devices);
    if dice.once_in(3) {
        let missing = usize::from(dice.below(10));
        let partitions = PARTITIONS.split(' ').skip(missing).collect::<Vec<_>>().join(" ");
        it.fabric = partitions.parse().unwrap();
        let modules = [5, 7, 8, 6, 1, 3, 4, 2];
        let wired = it.devices.iter_mut().filter(|device| device.standing.parent.is_none());
        for (device, module) in wired.zip(modules) {
            device.standing.module = if dice.once_in(8) { None } else { Some(module) };
        }
    }
    it.nodes = any_nodes(dice);
    it.class = any_class(dice);
    it.pages = dice.once_in(3).then(|| [(GIB, u64::from(dice.below(12)))].into());
    it.free_memory = u64::from(6 - dice.below(6)) * 4 * GIB;
    it.free_mhz = u64::from(6 - dice.below(6)) * 4000;
    it.cores = if dice.once_in(8) { 3 } else { 64 };
    for n in 0..3 - dice.below(3) {
        let tags = if dice.once_in(2) { vec!["ssd".to_owned()] } else { vec![] };
        let free = (!dice.once_in(3)).then(|| u64::from(dice.below(3)) * GIB);
        it.pools.push(PoolRoom { id: id_of(n.into()), tags, free });
    }
    it
}

fn some_hosts(dice: &mut Dice) -> BTreeSet<Id<id::Host>> {
    (0..dice.below(3)).map(|_| id_of(1 + u128::from(dice.below(8)))).collect()
}

fn any_demand(mut dice: Dice) -> Demand {
    let dice = &mut dice;
    let mut demand = want(0);
    for n in 0..1 + dice.below(3) {
        let profile = PROFILES[usize::from(dice.below(7))];
        let count = [1, 2, 4, 3, 2, 5, 8, 1][usize::from(dice.below(8))];
        demand.alternatives.push(Alternative { profile, name: format!("kind {n}"), count });
    }
    demand.vcpus = 1 + u32::from(dice.below(6));
    demand.memory = u64::from(1 + dice.below(5)) * 2 * GIB;
    use NumaPolicy::{Ignored, Preferred, Required};
    demand.numa = [Preferred, Required, Ignored][usize::from(dice.below(3))];
    demand.packing = if dice.once_in(2) { Packing::Spread } else { Packing::Pack };
    if dice.once_in(3) {
        let (rather, rather_not) = (some_hosts(dice), some_hosts(dice));
        let only = dice.once_in(3).then(|| some_hosts(dice));
        demand.affinity = Affinity { only, never: some_hosts(dice), rather, rather_not };
    }
    demand.host = dice.once_in(12).then(|| id_of(1 + u128::from(dice.below(8))));
    demand.avoid = if dice.once_in(6) { some_hosts(dice).into_iter().collect() } else { vec![] };
    demand.needs.tags = if dice.once_in(10) { vec!["fast".into()] } else { vec![] };
    demand.needs.firmware = if dice.once_in(10) { Firmware::Uefi } else { Firmware::default() };
    demand.needs.pages = dice.once_in(6).then_some(GIB);
    if dice.once_in(4) {
        let tags = if dice.once_in(3) { vec!["ssd".to_owned()] } else { vec![] };
        let pool = dice.once_in(4).then(|| id_of(dice.below(3).into()));
        demand.needs.disk = Some(Disk { pool, tags, space: GIB });
    }
    match dice.below(8) {
        5 => demand.alternatives = vec![],
        6 => (demand.alternatives, demand.kept) = (vec![], vec![dice.below(3).into()]),
        7 => {
            demand.alternatives = vec![];
            let named = 1 + dice.below(3);
            let at = |number: u8| Exact::At(gpu(number).standing.carrier);
            demand.exact = (0..named).map(|n| at(1 + (n + dice.below(3)) % 8)).collect();
        }
        _ => {}
    }
    demand
}

fn any_fleet() -> impl Strategy<Value = Fleet> {
    let hosts = proptest::collection::vec(dice(120).prop_map(any_candidate), 1..9);
    // hosts that look alike are what groups are for
    (hosts, any::<bool>()).prop_map(|(hosts, is_alike)| {
        let mut fleet = Fleet::new(Mix::default());
        for (n, candidate) in (1..).zip(&hosts) {
            let devices = if is_alike { &hosts[n % 2 % hosts.len()] } else { candidate };
            let Candidate { devices, rooms, fabric, .. } = devices.clone();
            fleet.put(Candidate { devices, rooms, fabric, ..candidate.clone() });
        }
        fleet
    })
}

fn standings(on: &Candidate) -> Vec<Standing> {
    on.devices.iter().map(|device| device.standing.clone()).collect()
}

fn granted(on: &Candidate, picks: &[Pick]) -> Result<Vec<Granted>, String> {
    grant(&standings(on), &on.rooms, &on.fabric, picks)
}

/// What must be true of whatever is chosen.
fn is_lawful(choice: &Choice, demand: &Demand, on: &Candidate) -> Result<(), String> {
    granted(on, &choice.picks)?;
    let is_open = demand.host_why_not(on.host).is_none()
        && on.class.why_not(&demand.needs).is_none()
        && demand.room_why_not(on).is_none();
    let wanted = choice.alternative.map(|n| &demand.alternatives[n]);
    let is_wanted = |pick: &Pick| match *pick {
        Pick::Slice { profile, .. } => wanted.is_some_and(|it| it.profile == profile),
        Pick::Device(id) => on.devices.iter().any(|device| {
            device.standing.id == id
                && wanted.is_none_or(|it| it.profile == device.standing.profile)
        }),
    };
    let count = wanted.map_or(demand.exact.len(), |it| it.count as usize);
    let sits = |pick: &Pick| match *pick {
        Pick::Device(id) | Pick::Slice { gpu: id, .. } => {
            on.devices.iter().find(|it| it.standing.id == id).and_then(|it| it.numa_node)
        }
    };
    let nodes: BTreeSet<u32> = choice.picks.iter().filter_map(sits).collect();
    let is_near = demand.numa != NumaPolicy::Required
        || wanted.is_none()
        || (choice.picks.len() == 1 || choice.picks.iter().all(|pick| sits(pick).is_some()))
            && nodes.len() <= 1
            && on.nodes.iter().filter(|room| nodes.contains(&room.node)).all(|room| {
                let vcpus = demand.vcpus;
                vcpus <= room.cpus
                    && u64::from(vcpus * demand.mhz) <= room.free_mhz
                    && demand.memory <= room.free_memory
            });
    if is_open
        && is_near
        && choice.picks.len() == count
        && choice.picks.iter().all(is_wanted)
        && nodes.into_iter().collect::<Vec<_>>() == choice.numa_nodes
    {
        return Ok(());
    }
    Err(format!("{choice:?} on {on:?}"))
}

/// The demand that a refusal says would fit.
fn instead(demand: &Demand, nearest: &Nearest) -> Demand {
    let of = |name: &str, count| {
        let mut all = demand.alternatives.iter().filter(|it| it.name == name).cloned();
        all.next().map(|it| Alternative { count, ..it }).into_iter().collect::<Vec<_>>()
    };
    match nearest {
        Nearest::AnyNode { name, count } => {
            let alternatives = of(name, *count);
            Demand { alternatives, numa: NumaPolicy::Preferred, ..demand.clone() }
        }
        Nearest::Fewer { name, count } => {
            Demand { alternatives: of(name, *count), ..demand.clone() }
        }
        Nearest::Smaller { name, count, vcpus, memory } => {
            let (vcpus, memory) = (*vcpus, *memory);
            Demand { alternatives: of(name, *count), vcpus, memory, ..demand.clone() }
        }
    }
}

/// These are taken: what the books say of the host afterwards.
fn take(on: &mut Candidate, demand: &Demand, choice: &Choice, next: &mut u128) {
    let all = granted(on, &choice.picks).unwrap();
    on.hold(&choice.picks);
    on.bind(&demand.bound(choice));
    on.free_memory -= demand.memory;
    on.free_mhz -= u64::from(demand.vcpus) * u64::from(demand.mhz);
    for one in all {
        let Granted::Slice { gpu, profile, carrier, start, .. } = one else { continue };
        let parent = on.devices.iter().find(|it| it.standing.id == gpu).unwrap();
        *next += 1;
        let mut made = slice_of(parent, *next);
        let mig = on.rooms.iter().find(|it| it.gpu == gpu && it.profile == profile).unwrap().mig;
        let it = &mut made.standing;
        (it.profile, it.carrier, it.is_held, it.on_demand) = (profile, carrier, true, true);
        it.cut = mig.map(|profile| Cut { profile, start });
        on.devices.push(made);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_hosts_there_are_the_best_lawful_choice_is_found(
        mut fleet in any_fleet(),
        demand in dice(60).prop_map(any_demand),
    ) {
        let all: Vec<Candidate> = fleet.hosts().cloned().collect();
        match fleet.choose(&demand) {
            Ok(choices) => {
                if demand.exact.is_empty() {
                    let best = scan(&all, &demand, Mix::default());
                    prop_assert_eq!(best.as_ref(), choices.first());
                }
                for choice in &choices {
                    let on = all.iter().find(|it| it.host == choice.host).unwrap();
                    prop_assert_eq!(is_lawful(choice, &demand, on), Ok(()));
                }
            }
            Err(refusal) => {
                let best = scan(&all, &demand, Mix::default());
                prop_assert!(best.is_none() || !demand.exact.is_empty());
                let text = refusal.for_admins();
                prop_assert!(!text.contains("changed meanwhile"), "{}", text);
                prop_assert_eq!(refusal.hosts, refusal.classes.iter().map(|it| it.hosts).sum::<usize>());
                for nearest in &refusal.nearest {
                    let demand = instead(&demand, nearest);
                    prop_assert!(fleet.choose(&demand).is_ok(), "{} {:?}", text, demand);
                }
            }
        }
    }

    /// One after the other until nothing fits, with what the books say after each of them.
    #[test]
    fn a_fleet_is_filled_by_lawful_choices(
        mut fleet in any_fleet(),
        demands in proptest::collection::vec(dice(40).prop_map(any_demand), 1..4),
    ) {
        let mut next = 5000;
        for n in 0..24 {
            let demand = &demands[n % demands.len()];
            let all: Vec<Candidate> = fleet.hosts().cloned().collect();
            let Ok(choices) = fleet.choose(demand) else { continue };
            let mut on = fleet.get(choices[0].host).unwrap().clone();
            prop_assert_eq!(is_lawful(&choices[0], demand, &on), Ok(()));
            if demand.exact.is_empty() {
                let best = scan(&all, demand, Mix::default());
                prop_assert_eq!(best.as_ref(), choices.first());
            }
            take(&mut on, demand, &choices[0], &mut next);
            fleet.put(on);
        }
    }

    /// What is said to be left is what can be placed, one after the other.
    #[test]
    fn as_many_fit_as_are_said_to_be_left(
        candidate in dice(120).prop_map(any_candidate),
        kind in 0usize..7,
        is_required in any::<bool>(),
    ) {
        let class = Class::default();
        let mut on = Candidate { class, free_memory: 512 * GIB, free_mhz: 512_000, ..candidate };
        on.cores = 64;
        on.nodes.clear();
        let numa = if is_required { NumaPolicy::Required } else { NumaPolicy::Preferred };
        let plain = Demand { vcpus: 1, mhz: 1, memory: 1, numa, ..want(1) };
        let mut fleet = Fleet::new(Mix::default());
        fleet.put(on.clone());
        let Some(left) = fleet.left().into_iter().find(|it| it.profile == PROFILES[kind]) else {
            return Ok(());
        };
        for shape in left.shapes {
            let profile = PROFILES[kind];
            let one = Alternative { profile, name: String::new(), count: shape.count };
            let demand = Demand { alternatives: vec![one], ..plain.clone() };
            let (mut on, mut next, mut placed) = (on.clone(), 5000, 0);
            while let Some(choice) = scan(std::slice::from_ref(&on), &demand, Mix::default()) {
                take(&mut on, &demand, &choice, &mut next);
                placed += 1;
            }
            let said = if is_required { shape.on_one_node } else { shape.anywhere };
            prop_assert_eq!(said, placed, "{:?}", shape);
        }
    }
}
