//! A fleet answers what looking at every host answers, whatever was put in and taken away.

use super::*;
use crate::domain::placement::{
    Affinity, Alternative, Decision, HostDevice, NodeRoom, NumaPolicy, Packing, samples::*, scan,
};
use proptest::prelude::*;

/// A host that may lack memory, CPUs and devices, of one of two classes.
fn any_candidate() -> impl Strategy<Value = Candidate> {
    let held = proptest::collection::vec(any::<bool>(), 8);
    let nodes = proptest::collection::vec((2u32..6, 0u64..4, 0u64..3), 0..3);
    (1u128..9, 0u64..4, 0u64..4, held, 0u8..10, (any::<bool>(), nodes, any::<bool>())).prop_map(
        |(number, memory, cpus, held, gpus, (is_tagged, nodes, is_turned))| {
            let mut candidate = host(number, 1..=gpus.min(8));
            let room = |(name, (cpus, memory, mhz))| NodeRoom {
                free_mhz: mhz * 4000,
                ..node(name, cpus, memory * (4 << 30))
            };
            candidate.nodes = (0..).zip(nodes).map(room).collect();
            if is_turned {
                // hosts look alike and call their nodes differently
                let turn = |device: &mut HostDevice| {
                    device.numa_node = device.numa_node.map(|node| 1 - node);
                };
                candidate.devices.iter_mut().for_each(turn);
            }
            candidate.free_memory = memory * (4 << 30);
            candidate.free_mhz = cpus * 4000;
            for (device, is_held) in candidate.devices.iter_mut().zip(held) {
                device.standing.is_held = is_held;
            }
            if is_tagged {
                candidate.class.tags = vec!["fast".into()];
            }
            candidate
        },
    )
}

fn any_demand() -> impl Strategy<Value = Demand> {
    let policy = prop::sample::select(vec![
        NumaPolicy::Required,
        NumaPolicy::Preferred,
        NumaPolicy::Ignored,
    ]);
    let packing = prop::sample::select(vec![Packing::Pack, Packing::Spread]);
    let hosts = || proptest::collection::btree_set((1u128..9).prop_map(id_of), 0..3);
    let only = proptest::option::of(hosts());
    (0u32..9, policy, packing, any::<bool>(), (hosts(), hosts(), hosts(), only), 0u32..3).prop_map(
        |(count, numa, packing, is_tagged, (never, rather, rather_not, only), second)| {
            let mut demand = want(count);
            if second > 0 && count > 0 {
                let other = Alternative { count: second, ..demand.alternatives[0].clone() };
                demand.alternatives.push(other);
            }
            demand.needs.tags = if is_tagged { vec!["fast".into()] } else { vec![] };
            demand.affinity = Affinity { only, never, rather, rather_not };
            Demand { numa, packing, ..demand }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_fleet_answers_what_looking_at_every_host_answers(
        before in proptest::collection::vec(any_candidate(), 0..8),
        now in proptest::collection::vec(any_candidate(), 1..12),
        demand in any_demand(),
    ) {
        let mut fleet = Fleet::new(Mix::default());
        for candidate in before.into_iter().chain(now) {
            fleet.put(candidate);
        }
        fleet.remove(id_of(3));
        let plain: Vec<Candidate> = fleet.hosts().cloned().collect();
        let found = fleet.choose(&demand);
        let best = found.as_ref().ok().map(|choices| choices[0].clone());
        prop_assert_eq!(&best, &scan(&plain, &demand, Mix::default()));
        match found {
            // the next best is what is best without the best, until the preferred alternative is used up
            Ok(choices) => {
                for (n, choice) in choices.iter().enumerate() {
                    let is_wished = demand.wish(choice.host) == demand.wish(choices[0].host);
                    let Some((few, at)) = fleet.pick(&demand, |host| host == choice.host) else {
                        prop_assert!(!is_wished);
                        continue;
                    };
                    prop_assert_eq!(&few[at], choice);
                    let said = |all: &[Choice]| Decision::new(&demand, choice, all, plain.len());
                    prop_assert_eq!(said(&few), said(&choices));
                    prop_assert!(is_wished && (few.len() <= 4 || n < few.len()));
                }
                let mut rest = demand;
                for choice in choices {
                    let best = scan(&plain, &rest, Mix::default());
                    prop_assert_eq!(best.as_ref(), Some(&choice));
                    rest.avoid.push(choice.host);
                }
            }
            Err(refusal) => {
                let counted: usize = refusal.reasons.iter().map(|(_, hosts)| hosts).sum();
                prop_assert_eq!(refusal.hosts, counted);
                let is_asked = demand.host.is_none();
                prop_assert_eq!(refusal.hosts, if is_asked { plain.len() } else { 1 });
            }
        }
    }
}

#[test]
fn affinity_is_obeyed_and_explained() {
    let mut fleet = Fleet::new(Mix::default());
    (1..=4).for_each(|n| fleet.put(host(n, 1..=8)));
    let set = |hosts: &[u128]| hosts.iter().map(|n| id_of(*n)).collect::<BTreeSet<_>>();
    let with = |affinity: Affinity| Demand { affinity, ..want(1) };
    let mut hosts = |demand: &Demand| -> Vec<u128> {
        let found = fleet.choose(demand).unwrap();
        found.iter().map(|c| c.host.uuid().as_u128()).collect()
    };
    let only = with(Affinity { only: Some(set(&[3, 9])), ..Affinity::default() });
    let never = with(Affinity { never: set(&[1, 2]), ..Affinity::default() });
    let rather = with(Affinity { rather: set(&[4]), rather_not: set(&[1]), ..Affinity::default() });
    assert_eq!(hosts(&only), [3]);
    assert_eq!(hosts(&never), [3, 4]);
    assert_eq!(hosts(&rather), [4, 2, 3, 1]);
    let nowhere = with(Affinity { only: Some(set(&[2])), never: set(&[2]), ..Affinity::default() });
    assert_eq!(
        fleet.choose(&nowhere).unwrap_err().reasons,
        [("without the instances of its affinity group".to_owned(), 4)]
    );
    let never = with(Affinity { never: set(&[1, 2, 3, 4]), ..Affinity::default() });
    assert_eq!(
        fleet.choose(&never).unwrap_err().reasons,
        [("with instances of its anti-affinity group".to_owned(), 4)]
    );
}

#[test]
fn a_node_that_the_host_tells_nothing_of_is_a_part_like_any_other() {
    let mut fleet = Fleet::new(Mix::default());
    // node 0 has a half of what is asked for, and nothing is told of node 1
    let half = node(0, want(2).vcpus / 2, want(2).memory / 2);
    let mut one = Candidate { nodes: vec![half], ..host(1, 1..=8) };
    for at in [1, 2, 3, 5, 6, 7] {
        one.devices[at].standing.is_held = true;
    }
    fleet.put(one.clone());
    let found = fleet.choose(&want(2)).unwrap();
    assert_eq!((&found[0].numa_nodes[..], found[0].cost.nodes), (&[0, 1][..], 2));
    assert_eq!(scan(&[one], &want(2), Mix::default()).as_ref(), found.first());
}

#[test]
fn looks_that_nobody_has_any_more_are_forgotten() {
    let mut fleet = Fleet::new(Mix::default());
    for load in 0..6000 {
        let mut one = host(1, 1..=1);
        one.devices.push(slice_of(&gpu(1), 11));
        one.devices[1].numa_node = Some(load);
        one.devices[1].standing.on_demand = true;
        // reasons are a part of the look, so each of these looks new
        one.devices[1].standing.profile = id_of(u128::from(load) + 1);
        one.devices[1].ready_reason = Some(format!("reason {load}"));
        one.devices[1].standing.on_demand = false;
        one.devices[1].standing.is_ready = false;
        fleet.put(one);
    }
    assert_eq!(fleet.len(), 1);
    assert!(fleet.known.len() < 4200, "{}", fleet.known.len());
}
