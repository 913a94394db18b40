//! What must be written after a probe: the difference between what a host shows and what the books say.
//!
//! An observation never frees or moves an allocation, and a row whose allocation is in flight is only noted as seen:
//! the job that works on it knows better. A device is missing only after several good probes without it, and a failed
//! probe says nothing. Disagreement about who uses a device is reported as drift and settled by nobody here.

use super::{
    AllocationState, DeviceType, Health, Observed, SliceType,
    books::{Facts, KnownAllocation, KnownDevice, KnownSlice},
};
use crate::domain::{Id, id, machine::SeenDomain};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// After this many successful probes without it a device is missing.
pub const MISSING_AFTER: u32 = 3;

/// What a probe leads to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// Devices that were seen as they are in the books: the time of the probe is noted, nothing else.
    pub seen: Vec<Id<id::GpuDevice>>,
    /// What to write, in order: retirements first, parents before their children.
    pub changes: Vec<Change>,
    /// Where books and host disagree about use; recorded and shown, never resolved by force.
    pub drift: Vec<Drift>,
}

/// One thing to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The row is history: another device sits there, or the slice is gone.
    Retire {
        /// The device.
        id: Id<id::GpuDevice>,
        /// Why, in one sentence.
        reason: &'static str,
    },
    /// A device that is not in the books.
    Insert {
        /// What was seen; its parent, if any, is in the books or comes before it.
        device: Box<Observed>,
        /// The domain that uses it already: it starts as `Foreign`.
        used_by: Option<String>,
    },
    /// Some columns are different.
    Update {
        /// The device.
        id: Id<id::GpuDevice>,
        /// The columns that changed, and only those.
        patch: Box<Patch>,
    },
    /// What can be made on a physical GPU: replaces its rows as a whole.
    Slices {
        /// The physical GPU.
        id: Id<id::GpuDevice>,
        /// What can be made now.
        slices: Vec<SliceType>,
    },
    /// Not seen, but not yet long enough to say it is missing.
    Missed {
        /// The device.
        id: Id<id::GpuDevice>,
        /// Successful probes in a row without it.
        missed: u32,
    },
    /// Health becomes `Missing`. Its allocation stays.
    MarkMissing {
        /// The device.
        id: Id<id::GpuDevice>,
        /// Successful probes in a row without it.
        missed: u32,
        /// Why, in one sentence.
        reason: &'static str,
    },
    /// Seen again: the count is 0, and health `Missing` becomes `Ok`.
    Returned {
        /// The device.
        id: Id<id::GpuDevice>,
    },
    /// A domain that does not hold it uses it: health becomes `Foreign`.
    Foreign {
        /// The device.
        id: Id<id::GpuDevice>,
        /// The domain's name.
        used_by: String,
    },
    /// That use has ended. The stranger's data may still be on it: prove it clean before health becomes `Ok`.
    NoLongerForeign {
        /// The device.
        id: Id<id::GpuDevice>,
    },
}

/// New values of columns; `None`: as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// How it is attached.
    pub device_type: Option<DeviceType>,
    /// The bus address of its parent.
    pub parent: Option<Option<String>>,
    /// NUMA node.
    pub numa_node: Option<Option<u32>>,
    /// The root port above it.
    pub pci_root: Option<Option<super::PciAddress>>,
    /// The PCIe switch above it.
    pub pci_switch: Option<Option<super::PciAddress>>,
    /// IOMMU group.
    pub iommu_group: Option<Option<u32>>,
    /// Functions that travel with it.
    pub companions: Option<Vec<super::PciAddress>>,
    /// The bound driver.
    pub driver: Option<Option<String>>,
    /// Whether it can be given away as it is.
    pub is_ready: Option<bool>,
    /// Why not, or what to know all the same.
    pub ready_reason: Option<Option<String>>,
}

/// A disagreement about who uses a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// Held by nobody, used by a domain.
    Foreign {
        /// The device.
        id: Id<id::GpuDevice>,
        /// The name of the domain that uses it.
        used_by: String,
    },
    /// Held by one, used by another.
    UsedByOther {
        /// The device.
        id: Id<id::GpuDevice>,
        /// The domain that holds it by the books.
        holder: Uuid,
        /// The name of the domain that uses it.
        used_by: String,
    },
    /// The holder runs without it.
    NotAttached {
        /// The device.
        id: Id<id::GpuDevice>,
        /// The domain that holds it by the books.
        holder: Uuid,
    },
}

/// Compares a probe with the books. `is_probe_good` is false when the probe failed or is not plausible: then nothing
/// is known and nothing changes.
pub fn reconcile(
    known: &[KnownDevice],
    observed: &[Observed],
    domains: &[SeenDomain],
    ours: &[KnownAllocation],
    is_probe_good: bool,
) -> Diff {
    if !is_probe_good {
        return Diff::default();
    }
    let books = Books::new(known, observed, domains, ours);
    let mut diff = Diff::default();
    for device in known {
        match books.shown(device) {
            Shown::Same(seen) => books.same(device, seen, &mut diff),
            Shown::Other => books.other(device, &mut diff),
            Shown::Not => books.unseen(device, &mut diff),
        }
        books.use_of(device, &mut diff);
    }
    for seen in observed {
        if books.is_new(seen) {
            let used_by =
                books.users(&seen.address, &seen.companions).first().map(|d| d.name.clone());
            diff.changes.push(Change::Insert { device: Box::new(seen.clone()), used_by });
        }
    }
    diff.changes.sort_by_key(|change| match change {
        Change::Retire { .. } => 0,
        Change::Insert { .. } => 1,
        _ => 2,
    });
    diff
}

/// How a device of the books shows itself.
enum Shown<'a> {
    Same(&'a Observed),
    Other,
    Not,
}

struct Books<'a> {
    rows: HashMap<&'a str, &'a KnownDevice>,
    seen: HashMap<&'a str, &'a Observed>,
    held: HashMap<Id<id::GpuDevice>, &'a KnownAllocation>,
    /// Bus addresses whose children are held.
    parents_of_held: HashSet<&'a str>,
    domains: &'a [SeenDomain],
}

impl<'a> Books<'a> {
    fn new(
        known: &'a [KnownDevice],
        observed: &'a [Observed],
        domains: &'a [SeenDomain],
        ours: &'a [KnownAllocation],
    ) -> Self {
        let held: HashMap<_, _> = (ours.iter())
            .filter(|a| a.state != AllocationState::Released)
            .map(|a| (a.device, a))
            .collect();
        let parents_of_held = (known.iter())
            .filter(|k| held.contains_key(&k.id))
            .filter_map(|k| k.parent.as_deref())
            .collect();
        Self {
            rows: known.iter().map(|k| (k.address.as_str(), k)).collect(),
            seen: observed.iter().map(|o| (o.address.as_str(), o)).collect(),
            held,
            parents_of_held,
            domains,
        }
    }

    fn shown(&self, device: &KnownDevice) -> Shown<'a> {
        match self.seen.get(device.address.as_str()) {
            Some(seen) if device.is_same(seen) => Shown::Same(seen),
            Some(_) => Shown::Other,
            None => Shown::Not,
        }
    }

    fn is_in_flight(&self, device: &KnownDevice) -> bool {
        let state = self.held.get(&device.id).map(|a| a.state);
        device.is_being_reset
            || matches!(state, Some(AllocationState::Reserved | AllocationState::Releasing))
    }

    fn is_held(&self, device: &KnownDevice) -> bool {
        self.held.contains_key(&device.id) || self.parents_of_held.contains(device.address.as_str())
    }

    /// Whether an observation needs a row of its own: none is there, or the one that is there retires now.
    fn is_new(&self, seen: &Observed) -> bool {
        match self.rows.get(seen.address.as_str()) {
            None => true,
            Some(row) => !row.is_same(seen) && !self.is_held(row),
        }
    }

    fn same(&self, device: &KnownDevice, seen: &Observed, diff: &mut Diff) {
        diff.seen.push(device.id);
        if self.is_in_flight(device) {
            return;
        }
        if device.missed > 0 || device.health == Health::Missing {
            diff.changes.push(Change::Returned { id: device.id });
        }
        let patch = self.patch(device, seen);
        if patch != Patch::default() {
            diff.changes.push(Change::Update { id: device.id, patch: Box::new(patch) });
        }
        let slices: Vec<KnownSlice> = seen.slices.iter().map(KnownSlice::from).collect();
        if slices != device.slices {
            diff.changes.push(Change::Slices { id: device.id, slices: seen.slices.clone() });
        }
    }

    fn other(&self, device: &KnownDevice, diff: &mut Diff) {
        if self.is_in_flight(device) {
            return;
        }
        if !self.is_held(device) {
            let reason = "another device sits at its address";
            diff.changes.push(Change::Retire { id: device.id, reason });
        } else if device.health == Health::Ok {
            diff.changes.push(Change::MarkMissing {
                id: device.id,
                missed: MISSING_AFTER,
                reason: "another device sits at its address",
            });
        }
    }

    fn unseen(&self, device: &KnownDevice, diff: &mut Diff) {
        if self.is_in_flight(device) {
            return;
        }
        let id = device.id;
        let is_held = self.is_held(device);
        if device.on_demand && !is_held {
            diff.changes.push(Change::Retire { id, reason: "its slice is removed" });
            return;
        }
        let missed = (device.missed + 1).min(MISSING_AFTER);
        let parent_is_there =
            device.parent.as_deref().is_some_and(|parent| self.seen.contains_key(parent));
        if missed < MISSING_AFTER {
            diff.changes.push(Change::Missed { id, missed });
        } else if parent_is_there && !is_held {
            diff.changes.push(Change::Retire { id, reason: "its physical GPU no longer has it" });
        } else if matches!(device.health, Health::Ok | Health::Foreign) {
            let reason = "the host no longer shows it";
            diff.changes.push(Change::MarkMissing { id, missed, reason });
        } else if device.missed < missed {
            diff.changes.push(Change::Missed { id, missed });
        }
    }

    /// The domains that run with this device.
    fn users(&self, address: &str, companions: &[super::PciAddress]) -> Vec<&'a SeenDomain> {
        let names = |d: &SeenDomain| {
            d.pci.iter().any(|p| companions.contains(p) || p.to_string() == address)
                || d.mdevs.iter().any(|m| m.hyphenated().to_string() == address)
        };
        self.domains.iter().filter(|d| d.active && names(d)).collect()
    }

    fn use_of(&self, device: &KnownDevice, diff: &mut Diff) {
        let id = device.id;
        let users = self.users(&device.address, &device.facts.companions);
        let Some(allocation) = self.held.get(&id) else {
            let is_there = matches!(self.shown(device), Shown::Same(_));
            if let Some(user) = users.first().filter(|_| is_there && !device.is_being_reset) {
                diff.drift.push(Drift::Foreign { id, used_by: user.name.clone() });
            }
            match (users.first(), device.health) {
                (Some(user), Health::Ok | Health::Missing) if is_there => {
                    diff.changes.push(Change::Foreign { id, used_by: user.name.clone() });
                }
                (None, Health::Foreign) if is_there => {
                    diff.changes.push(Change::NoLongerForeign { id });
                }
                _ => {}
            }
            return;
        };
        let holder = allocation.domain;
        if let Some(other) = users.iter().find(|d| d.uuid != holder) {
            let used_by = other.name.clone();
            diff.drift.push(Drift::UsedByOther { id, holder, used_by });
        }
        let holder_runs = self.domains.iter().any(|d| d.active && d.uuid == holder);
        let is_attached = users.iter().any(|d| d.uuid == holder);
        if allocation.state == AllocationState::Allocated && holder_runs && !is_attached {
            diff.drift.push(Drift::NotAttached { id, holder });
        }
    }

    /// What the host says differently. Unknown never overwrites known: an administrator may have set it. While a
    /// device is held or used its driver is the guest's, and says nothing about the device's readiness afterwards.
    fn patch(&self, device: &KnownDevice, seen: &Observed) -> Patch {
        let old = &device.facts;
        let new = Facts::from(seen);
        let is_used = !self.users(&device.address, &old.companions).is_empty();
        let is_settled = !is_used && !self.held.contains_key(&device.id);
        // a slice may be promised before the host has made it: until then the GPU looks whole
        let has_slices = self.parents_of_held.contains(device.address.as_str());
        let parent_is_new = seen
            .parent
            .as_ref()
            .and_then(|p| self.seen.get(p.as_str()))
            .is_some_and(|p| self.is_new(p));
        Patch {
            device_type: changed(&device.device_type, seen.device_type).filter(|_| !has_slices),
            parent: match parent_is_new {
                true => Some(seen.parent.clone()),
                false => learned(&device.parent, seen.parent.clone()),
            },
            numa_node: learned(&old.numa_node, new.numa_node),
            pci_root: learned(&old.pci_root, new.pci_root),
            pci_switch: learned(&old.pci_switch, new.pci_switch),
            iommu_group: changed(&old.iommu_group, new.iommu_group),
            companions: changed(&old.companions, new.companions),
            driver: changed(&old.driver, new.driver).filter(|_| is_settled),
            is_ready: changed(&old.is_ready, new.is_ready).filter(|_| is_settled),
            ready_reason: changed(&old.ready_reason, new.ready_reason).filter(|_| is_settled),
        }
    }
}

fn changed<T: PartialEq>(old: &T, new: T) -> Option<T> {
    if *old == new { None } else { Some(new) }
}

fn learned<T: PartialEq>(old: &Option<T>, new: Option<T>) -> Option<Option<T>> {
    if new.is_none() { None } else { changed(old, new) }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
