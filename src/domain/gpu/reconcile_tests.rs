//! Histories of probes: what may change, what must not, and that one pass is enough.

use super::*;
use crate::domain::{
    gpu::samples::*,
    machine::{SeenDevices, SeenMdev},
};
use proptest::prelude::*;

fn id_of(number: u128) -> Id<id::GpuDevice> {
    Id::from_uuid(Uuid::from_u128(number))
}

/// The books of a host, kept as the store would.
#[derive(Debug, Clone, Default)]
struct Ledger {
    rows: Vec<KnownDevice>,
    ours: Vec<KnownAllocation>,
    next: u128,
}

impl Ledger {
    fn after(devices: &SeenDevices) -> Self {
        let mut ledger = Self::default();
        ledger.probe(devices, &[]);
        ledger
    }

    fn diff(&self, devices: &SeenDevices, domains: &[SeenDomain]) -> Diff {
        let inventory = look(devices);
        reconcile(&self.rows, &inventory.devices, domains, &self.ours, inventory.is_plausible)
    }

    fn probe(&mut self, devices: &SeenDevices, domains: &[SeenDomain]) -> Diff {
        let diff = self.diff(devices, domains);
        for change in diff.changes.clone() {
            self.apply(change);
        }
        diff
    }

    fn row(&mut self, id: Id<id::GpuDevice>) -> &mut KnownDevice {
        self.rows.iter_mut().find(|r| r.id == id).unwrap()
    }

    fn at(&mut self, address: &str) -> &mut KnownDevice {
        self.rows.iter_mut().find(|r| r.address == address).unwrap()
    }

    fn hold(&mut self, address: &str, domain: u128, state: AllocationState) {
        let device = self.at(address).id;
        self.ours.push(KnownAllocation { device, domain: Uuid::from_u128(domain), state });
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Retire { id, .. } => self.rows.retain(|r| r.id != id),
            Change::Insert { device, used_by } => {
                assert!(self.rows.iter().all(|r| r.address != device.address), "unique address");
                self.next += 1;
                let health = if used_by.is_some() { Health::Foreign } else { Health::Ok };
                self.rows.push(known(self.next, &device, health));
            }
            Change::Update { id, patch } => patch_row(self.row(id), *patch),
            Change::Slices { id, slices } => {
                self.row(id).slices = slices.iter().map(KnownSlice::from).collect();
            }
            Change::Missed { id, missed } => self.row(id).missed = missed,
            Change::MarkMissing { id, missed, .. } => {
                self.row(id).missed = missed;
                self.row(id).health = Health::Missing;
            }
            Change::Returned { id } => {
                let row = self.row(id);
                row.missed = 0;
                row.health = if row.health == Health::Missing { Health::Ok } else { row.health };
            }
            Change::Foreign { id, .. } => self.row(id).health = Health::Foreign,
            Change::NoLongerForeign { id } => self.row(id).health = Health::Ok,
        }
    }
}

fn known(number: u128, seen: &Observed, health: Health) -> KnownDevice {
    KnownDevice {
        id: id_of(number),
        address: seen.address.clone(),
        parent: seen.parent.clone(),
        vendor_id: seen.card.vendor_id,
        device_id: seen.card.device_id,
        kind: seen.profile.kind,
        mdev_type: seen.mdev_type.clone(),
        device_type: seen.device_type,
        on_demand: false,
        facts: Facts::from(seen),
        health,
        is_being_reset: false,
        missed: 0,
        slices: seen.slices.iter().map(KnownSlice::from).collect(),
    }
}

fn patch_row(row: &mut KnownDevice, patch: Patch) {
    let Patch { device_type, parent, numa_node, pci_root, pci_switch, .. } = patch.clone();
    row.device_type = device_type.unwrap_or(row.device_type);
    row.parent = parent.unwrap_or(row.parent.take());
    let facts = &mut row.facts;
    facts.numa_node = numa_node.unwrap_or(facts.numa_node);
    facts.pci_root = pci_root.unwrap_or(facts.pci_root);
    facts.pci_switch = pci_switch.unwrap_or(facts.pci_switch);
    facts.iommu_group = patch.iommu_group.unwrap_or(facts.iommu_group);
    facts.companions = patch.companions.unwrap_or(facts.companions.clone());
    facts.driver = patch.driver.unwrap_or(facts.driver.clone());
    facts.is_ready = patch.is_ready.unwrap_or(facts.is_ready);
    facts.ready_reason = patch.ready_reason.unwrap_or(facts.ready_reason.clone());
}

fn runs(number: u128, pci: &[&str], mdevs: &[u128]) -> SeenDomain {
    SeenDomain {
        uuid: Uuid::from_u128(number),
        name: format!("domain-{number}"),
        active: true,
        pci: pci.iter().map(|p| at(p)).collect(),
        mdevs: mdevs.iter().map(|&m| Uuid::from_u128(m)).collect(),
    }
}

fn two() -> SeenDevices {
    seen(vec![a100("07:00.0"), a100("08:00.0")], vec![])
}

fn one() -> SeenDevices {
    seen(vec![a100("07:00.0")], vec![])
}

const EIGHT: &str = "0000:08:00.0";

#[test]
fn a_second_look_changes_nothing() {
    let mut ledger = Ledger::after(&two());
    assert_eq!(ledger.rows.len(), 2);
    let diff = ledger.probe(&two(), &[]);
    assert_eq!((diff.seen.len(), diff.changes), (2, vec![]));
}

#[test]
fn a_failed_probe_says_nothing() {
    let ledger = Ledger::after(&two());
    assert_eq!(reconcile(&ledger.rows, &[], &[], &[], false), Diff::default());
    assert_eq!(
        ledger.diff(&seen(vec![], vec![]), &[]),
        Diff::default(),
        "nothing at all is a failure"
    );
}

#[test]
fn only_what_changed_is_written() {
    let mut ledger = Ledger::after(&two());
    let mut devices = two();
    devices.functions[1].numa_node = Some(1);
    devices.functions[0].numa_node = None;
    let diff = ledger.probe(&devices, &[]);
    let patch = Box::new(Patch { numa_node: Some(Some(1)), ..Patch::default() });
    assert_eq!(diff.changes, [Change::Update { id: id_of(2), patch }]);
}

#[test]
fn three_good_probes_make_a_device_missing_and_one_brings_it_back() {
    let mut ledger = Ledger::after(&two());
    ledger.hold(EIGHT, 50, AllocationState::Allocated);
    let id = id_of(2);
    assert_eq!(ledger.probe(&one(), &[]).changes, [Change::Missed { id, missed: 1 }]);
    assert_eq!(ledger.probe(&one(), &[]).changes, [Change::Missed { id, missed: 2 }]);
    let third = ledger.probe(&one(), &[]).changes;
    assert!(matches!(third.as_slice(), [Change::MarkMissing { missed: 3, .. }]));
    assert_eq!(ledger.probe(&one(), &[]).changes, []);
    assert_eq!(ledger.probe(&two(), &[]).changes, [Change::Returned { id }]);
    assert_eq!((ledger.row(id).health, ledger.row(id).missed), (Health::Ok, 0));
}

#[test]
fn one_look_in_between_starts_the_count_again() {
    let mut ledger = Ledger::after(&two());
    for devices in [one(), one(), two(), one(), one()] {
        ledger.probe(&devices, &[]);
    }
    assert_eq!((ledger.at(EIGHT).health, ledger.at(EIGHT).missed), (Health::Ok, 2));
}

#[test]
fn a_quarantined_device_does_not_come_back_clean_by_hiding() {
    let mut ledger = Ledger::after(&two());
    ledger.at(EIGHT).health = Health::Quarantined;
    for devices in [one(), one(), one(), one(), two()] {
        ledger.probe(&devices, &[]);
    }
    assert_eq!(ledger.at(EIGHT).health, Health::Quarantined);
}

#[test]
fn a_swapped_card_is_another_device() {
    let mut swapped = two();
    swapped.functions[1].device_id = 0x20b5;
    let mut ledger = Ledger::after(&two());
    let diff = ledger.probe(&swapped, &[]);
    assert!(matches!(diff.changes[0], Change::Retire { id, .. } if id == id_of(2)));
    assert!(
        matches!(&diff.changes[1], Change::Insert { device, .. } if device.card.device_id == 0x20b5)
    );
    assert_eq!(ledger.probe(&swapped, &[]).changes, []);

    let mut ledger = Ledger::after(&two());
    ledger.hold(EIGHT, 50, AllocationState::Allocated);
    let diff = ledger.probe(&swapped, &[]);
    assert!(
        matches!(diff.changes.as_slice(), [Change::MarkMissing { .. }]),
        "held: it stays in the books"
    );
    assert_eq!(ledger.probe(&swapped, &[]).changes, []);
}

#[test]
fn children_of_a_swapped_card_move_to_the_new_row() {
    let mdevs = vec![mdev(5, "63:00.4", "nvidia-699")];
    let mut ledger = Ledger::after(&seen(a16(1), mdevs.clone()));
    ledger.at("0000:63:00.0").device_id = 0x2236;
    let diff = ledger.probe(&seen(a16(1), mdevs), &[]);
    let moved = Some(Some("0000:63:00.0".to_owned()));
    let is_moved = |c: &Change| matches!(c, Change::Update { patch, .. } if patch.parent == moved);
    assert!(diff.changes.iter().any(is_moved), "{diff:?}");
}

#[test]
fn a_slice_that_went_retires_and_one_made_on_demand_at_once() {
    let none: Vec<SeenMdev> = vec![];
    let mdevs = vec![mdev(5, "63:00.4", "nvidia-699"), mdev(6, "63:00.5", "nvidia-699")];
    let mut ledger = Ledger::after(&seen(a16(1), mdevs));
    ledger.rows[2].on_demand = true;
    let id = ledger.rows[2].id;
    let diff = ledger.probe(&seen(a16(1), none.clone()), &[]);
    assert!(matches!(diff.changes[0], Change::Retire { id: gone, .. } if gone == id));
    ledger.probe(&seen(a16(1), none.clone()), &[]);
    ledger.probe(&seen(a16(1), none.clone()), &[]);
    assert_eq!(ledger.rows.len(), 1);
    assert_eq!(ledger.probe(&seen(a16(1), none), &[]).changes, []);
}

#[test]
fn a_gpu_whose_first_slice_is_only_promised_stays_cut() {
    let mut ledger = Ledger::after(&one());
    let promised = KnownDevice {
        id: id_of(9),
        address: "00000000-0000-0000-0000-000000000009".into(),
        parent: Some("0000:07:00.0".into()),
        device_type: DeviceType::MDEV,
        on_demand: true,
        ..ledger.rows[0].clone()
    };
    ledger.hold("0000:07:00.0", 50, AllocationState::Reserved);
    ledger.ours[0].device = promised.id;
    ledger.rows.push(promised);
    ledger.rows[0].device_type = DeviceType::VGPUOnly;
    assert_eq!(ledger.probe(&one(), &[]).changes, []);
}

#[test]
fn a_stranger_is_noticed_and_so_is_its_leaving() {
    let mut ledger = Ledger::after(&two());
    let used_by = "domain-77".to_owned();
    let stranger = [runs(77, &["08:00.0"], &[])];
    assert_eq!(
        ledger.probe(&two(), &stranger).changes,
        [Change::Foreign { id: id_of(2), used_by }]
    );
    assert_eq!(ledger.probe(&two(), &stranger).changes, []);
    assert_eq!(ledger.probe(&two(), &[]).changes, [Change::NoLongerForeign { id: id_of(2) }]);
    let mut asleep = runs(77, &["08:00.0"], &[]);
    asleep.active = false;
    assert_eq!(ledger.probe(&two(), &[asleep]).changes, [], "a definition uses nothing");
    let fresh = Ledger::default().diff(&two(), &stranger);
    assert!(matches!(&fresh.changes[1], Change::Insert { used_by: Some(_), .. }));
}

#[test]
fn drift_is_told_and_changes_nothing() {
    let mut ledger = Ledger::after(&two());
    ledger.hold(EIGHT, 50, AllocationState::Allocated);
    let (id, holder) = (id_of(2), Uuid::from_u128(50));
    let diff = ledger.probe(&two(), &[runs(50, &[], &[]), runs(77, &["08:00.0"], &[])]);
    let used_by = "domain-77".to_owned();
    let told = [Drift::UsedByOther { id, holder, used_by }, Drift::NotAttached { id, holder }];
    assert_eq!((diff.changes, diff.drift.as_slice()), (vec![], told.as_slice()));
    let diff = ledger.probe(&two(), &[runs(50, &["08:00.0"], &[])]);
    assert_eq!(diff.drift, []);
}

#[test]
fn the_driver_of_a_held_device_is_the_guests_matter() {
    let mut ledger = Ledger::after(&two());
    ledger.hold(EIGHT, 50, AllocationState::Allocated);
    let mut devices = two();
    devices.functions[1].driver = Some("nvidia".into());
    assert_eq!(ledger.probe(&devices, &[]).changes, []);
    ledger.ours.clear();
    let diff = ledger.probe(&devices, &[]);
    assert!(
        matches!(&diff.changes[0], Change::Update { patch, .. } if patch.is_ready == Some(false))
    );
}

/// A host that shows any part of its devices, with any of them swapped, moved or cut.
fn any_probe() -> impl Strategy<Value = SeenDevices> {
    let card = prop_oneof![Just(0x20b2u16), Just(0x20b5)];
    let gpus = proptest::collection::vec((any::<bool>(), card, 0u32..3), 4);
    (gpus, any::<bool>(), proptest::collection::vec(0u8..3, 2)).prop_map(|(gpus, board, slices)| {
        let mut functions = Vec::new();
        for (n, (is_there, device_id, node)) in gpus.into_iter().enumerate() {
            let mut gpu = function(&format!("{n:02x}:00.0"), 0x0302, 0x10de, device_id);
            gpu.numa_node = node.checked_sub(1);
            functions.extend(is_there.then_some(gpu));
        }
        let mut mdevs = Vec::new();
        if board {
            functions.extend(a16(1));
            for (n, (slice, carrier)) in slices.iter().zip(["63:00.4", "63:00.5"]).enumerate() {
                let types = ["nvidia-699", "nvidia-703"];
                let kind = slice.checked_sub(1).map(|k| types[usize::from(k)]);
                mdevs.extend(kind.map(|kind| mdev(n as u128 + 1, carrier, kind)));
            }
        }
        seen(functions, mdevs)
    })
}

fn any_state() -> impl Strategy<Value = AllocationState> {
    prop::sample::select(AllocationState::ALL)
}

proptest! {
    /// Whatever a host shows: allocations in flight are left alone, held rows stay, and a second pass has nothing to do
    /// but to count.
    #[test]
    fn observation_never_frees(
        first in any_probe(),
        holds in proptest::collection::vec((any::<prop::sample::Index>(), any_state()), 0..6),
        later in proptest::collection::vec(any_probe(), 1..8),
    ) {
        let mut ledger = Ledger::after(&first);
        for (which, state) in holds {
            if !ledger.rows.is_empty() {
                let address = ledger.rows[which.index(ledger.rows.len())].address.clone();
                let id = ledger.at(&address).id;
                if ledger.ours.iter().all(|a| a.device != id) {
                    ledger.hold(&address, 50, state);
                }
            }
        }
        for devices in later {
            let before = ledger.clone();
            ledger.probe(&devices, &[]);
            for allocation in &before.ours {
                let old = before.rows.iter().find(|r| r.id == allocation.device);
                let new = ledger.rows.iter().find(|r| r.id == allocation.device);
                match allocation.state {
                    AllocationState::Reserved | AllocationState::Releasing => prop_assert_eq!(old, new),
                    AllocationState::Allocated => prop_assert!(new.is_some()),
                    AllocationState::Released => {}
                }
            }
            let again = ledger.diff(&devices, &[]);
            let is_counting = |c: &Change| matches!(
                c, Change::Missed { .. } | Change::MarkMissing { .. } | Change::Retire { .. });
            prop_assert!(again.changes.iter().all(is_counting), "{:?}", again.changes);
        }
    }
}
