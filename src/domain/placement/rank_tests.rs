//! Which host wins, what a refusal says, and how a busy fleet fares.

use super::{super::samples::*, *};
use crate::domain::{
    gpu::{Health, ManagedState},
    placement::{Class, Nearest, Needs},
};

fn hosts(choices: &[Choice]) -> Vec<u128> {
    choices.iter().map(|c| c.host.uuid().as_u128()).collect()
}

fn hold(host: &mut Candidate, held: &[usize]) {
    for &n in held {
        host.devices[n].standing.is_held = true;
    }
}

/// Both ways, which must agree.
fn rank(candidates: &[Candidate], demand: &Demand) -> Result<Vec<Choice>, Refusal> {
    let found = super::rank(candidates.to_vec(), demand, Mix::default());
    let plain = scan(candidates, demand, Mix::default());
    assert_eq!(found.as_ref().ok().map(|choices| &choices[0]), plain.as_ref());
    found
}

fn refused(candidates: &[Candidate], demand: &Demand) -> Refusal {
    rank(candidates, demand).unwrap_err()
}

#[test]
fn a_single_gpu_goes_where_it_breaks_least() {
    let mut begun = host(2, 1..=8);
    hold(&mut begun, &[0, 1, 2]);
    let found = rank(&[host(1, 1..=8), begun, host(3, 1..=8)], &want(1)).unwrap();
    assert_eq!(hosts(&found), [2, 1, 3]);
    assert_eq!(found[0].picks, [Pick::Device(id_of(4))]);
}

#[test]
fn spreading_takes_the_emptiest() {
    let mut begun = host(1, 1..=8);
    hold(&mut begun, &[0, 1, 2]);
    let demand = Demand { packing: Packing::Spread, ..want(1) };
    assert_eq!(hosts(&rank(&[begun, host(2, 1..=8)], &demand).unwrap()), [2, 1]);
}

#[test]
fn instances_without_gpus_keep_off_gpu_hosts() {
    let mut small = host(3, []);
    small.free_memory /= 2;
    let found = rank(&[host(1, 1..=8), host(2, []), small], &want(0)).unwrap();
    assert_eq!(hosts(&found), [3, 2, 1]);
    assert_eq!((found[0].alternative, found[0].picks.len()), (None, 0));
}

#[test]
fn the_first_alternative_that_fits_anywhere_wins() {
    let mut demand = want(9);
    demand.alternatives.push(Alternative { count: 2, ..demand.alternatives[0].clone() });
    demand.alternatives.push(Alternative { count: 1, ..demand.alternatives[0].clone() });
    let found = rank(&[host(1, 1..=8), host(2, 1..=1)], &demand).unwrap();
    assert_eq!((hosts(&found), found[0].alternative), (vec![1], Some(1)));
}

#[test]
fn a_pinned_host_is_asked_alone_and_by_the_same_rules() {
    let mut pinned = host(2, 1..=8);
    pinned.devices[0].standing.managed = ManagedState::Unmanaged;
    let demand = Demand { host: Some(id_of(2)), ..want(8) };
    let refusal = refused(&[host(1, 1..=8), pinned], &demand);
    assert_eq!((refusal.hosts, refusal.reasons), (1, vec![("GPUs unmanaged".into(), 1)]));
    assert_eq!(hosts(&rank(&[host(1, 1..=8), host(2, 1..=8)], &demand).unwrap()), [2]);
}

#[test]
fn a_refusal_counts_reasons_and_names_what_fits() {
    let mut busy = host(1, 1..=8);
    hold(&mut busy, &[0, 1, 2, 3, 4, 5]);
    let mut unready = host(2, 1..=8);
    for device in &mut unready.devices {
        device.standing.is_ready = false;
        device.ready_reason = Some("IOMMU off: the host does not translate".into());
    }
    let class = Class { blocker: Some("disabled".into()), ..Class::default() };
    let disabled = Candidate { class, ..host(3, 1..=8) };
    let mut full = host(5, 1..=8);
    full.free_memory = 4 << 30;
    let other = Candidate { host: id_of(4), ..busy.clone() };
    let candidates = [busy, unready, disabled, other, full];
    let refusal = refused(&candidates, &want(4));
    assert_eq!(
        refusal.for_admins(),
        "no host can give 4 x NVIDIA A100 passthrough, 4 CPUs of 2000 MHz and 8192 MiB of memory: 5 hosts: \
         2 too few free GPUs, 1 disabled, 1 not ready: IOMMU off, 1 too little memory free; what would fit: \
         4 x NVIDIA A100 passthrough with at most 4 CPUs and 4096 MiB of memory, or 2 x NVIDIA A100 passthrough"
    );
    let told = refusal.for_users();
    assert!(!told.contains("hosts:") && !told.contains("IOMMU"), "{told}");
    assert!(told.contains("2 x NVIDIA A100 passthrough"), "{told}");
}

#[test]
fn every_kind_of_refusal_is_told_apart() {
    let reason = |change: &dyn Fn(&mut Candidate), demand: Demand| {
        let mut one = host(1, 1..=8);
        change(&mut one);
        refused(&[one], &demand).reasons[0].0.clone()
    };
    let same = |_: &mut Candidate| {};
    let required = Demand { numa: NumaPolicy::Required, ..want(5) };
    let needs = Needs { tags: vec!["fast".into()], ..Needs::default() };
    let tagged = Demand { needs, ..want(1) };
    let avoided = Demand { avoid: vec![id_of(1)], ..want(1) };
    let group = |c: &mut Candidate| {
        c.devices.iter_mut().for_each(|d| d.standing.iommu_group = Some(5));
    };
    let sick = |c: &mut Candidate| {
        c.devices.iter_mut().for_each(|d| d.standing.health = Health::Missing);
    };
    let none = |c: &mut Candidate| c.devices.clear();
    assert_eq!(reason(&same, required), "too few free GPUs on one NUMA node");
    assert_eq!(reason(&same, tagged), "without the tag fast");
    assert_eq!(reason(&same, avoided), "tried in vain");
    assert_eq!(reason(&same, want(9)), "too few GPUs");
    assert_eq!(reason(&same, Demand { vcpus: 65, ..want(1) }), "too few CPUs");
    assert_eq!(reason(&same, Demand { mhz: 40000, ..want(1) }), "too little CPU free");
    assert_eq!(reason(&group, want(1)), "GPUs of one IOMMU group cannot be given one by one");
    assert_eq!(reason(&sick, want(1)), "GPUs in error: Missing");
    assert_eq!(reason(&none, want(1)), "no such GPU");
    assert!(refused(&[], &want(1)).for_admins().contains("there is no host to ask"));
}

#[test]
fn a_required_node_is_named_as_what_to_give_up() {
    let demand = Demand { numa: NumaPolicy::Required, ..want(5) };
    let name = "NVIDIA A100 passthrough".to_owned();
    assert_eq!(
        refused(&[host(1, 1..=8)], &demand).nearest,
        [Nearest::AnyNode { name: name.clone(), count: 5 }, Nearest::Fewer { name, count: 4 }]
    );
}

#[test]
fn slices_go_where_a_gpu_is_cut_already() {
    let mut whole = host(1, 1..=2);
    whole.rooms = vec![room(1, 4), room(2, 4)];
    let mut cut = whole.clone();
    cut.host = id_of(2);
    let mut made = slice_of(&gpu(2), 11);
    (made.standing.is_held, made.standing.on_demand) = (true, true);
    cut.devices.push(made);
    let mut demand = want(1);
    demand.alternatives[0].profile = QUARTER;
    let found = rank(&[whole, cut], &demand).unwrap();
    assert_eq!(hosts(&found), [2, 1]);
    assert_eq!(found[0].picks, [Pick::Slice { gpu: id_of(2), profile: QUARTER }]);
}

#[test]
fn a_refusal_counts_hosts_of_like_shape_apart() {
    let mut begun = host(2, 1..=8);
    begun.devices[0].standing.is_held = true;
    let full = |number| {
        let mut full = host(number, 1..=4);
        full.devices.iter_mut().for_each(|device| device.standing.is_held = true);
        full
    };
    let mut off = host(6, 1..=4);
    off.class.blocker = Some("disabled".into());
    let all = [begun, full(3), full(4), host(5, []), off];
    let refusal = refused(&all, &want(8));
    let shape = |n: usize| {
        let class = &refusal.classes[n];
        (class.hosts, class.reasons.iter().map(|(_, hosts)| hosts).sum::<usize>())
    };
    assert_eq!(refusal.classes.len(), 3, "{:?}", refusal.classes);
    assert!((0..3).all(|n| shape(n).0 == shape(n).1));
    assert_eq!(refusal.hosts, refusal.classes.iter().map(|class| class.hosts).sum::<usize>());
    let four = refusal.classes.iter().find(|class| class.shape.starts_with("4 x ")).unwrap();
    assert_eq!(four.reasons, [("too few GPUs".into(), 2), ("disabled".into(), 1)]);
    assert!(refusal.classes.iter().any(|class| class.shape == "no such GPU" && class.hosts == 1));
    let text = refusal.for_admins();
    assert!(text.contains("; by kind of host: ") && text.contains("3 with 4 x "), "{text}");
}
