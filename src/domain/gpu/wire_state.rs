//! What CloudStack's clients read about a device: the one place where our columns become its four words, and the one
//! place where GPUs are counted.

use super::{AllocationState, Health, ManagedState};
use crate::domain::{Id, id};
use std::collections::{HashMap, HashSet};

text_enum! {
    /// The wire's `state` of a GPU device.
    WireState {
        /// Nobody has it.
        Free,
        /// Promised to or used by an instance, or on its way back.
        Allocated,
        /// Some of its slices are held.
        PartiallyAllocated,
        /// It cannot be trusted.
        Error,
    }
}

/// What the wire's `state` is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Whether it can be trusted.
    pub health: Health,
    /// Its own active allocation.
    pub allocation: Option<AllocationState>,
    /// How many of its children are held.
    pub children_held: u32,
    /// Whether its parent is held as a whole.
    pub is_parent_held: bool,
}

/// The wire's `state`. Health is told first: a device that is gone is `Error`, whoever holds it. A parent's own
/// health is told, never its children's.
pub fn wire_state(condition: &Condition) -> WireState {
    let Condition { health, allocation, children_held, is_parent_held } = *condition;
    let is_held = match allocation {
        Some(
            AllocationState::Reserved | AllocationState::Allocated | AllocationState::Releasing,
        ) => true,
        Some(AllocationState::Released) | None => false,
    };
    match health {
        Health::Missing | Health::Quarantined | Health::Foreign => WireState::Error,
        Health::Ok if is_held || is_parent_held => WireState::Allocated,
        Health::Ok if children_held > 0 => WireState::PartiallyAllocated,
        Health::Ok => WireState::Free,
    }
}

/// A device as it counts; all alive devices of a host (or of many) are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The device.
    pub id: Id<id::GpuDevice>,
    /// The physical GPU it is a part of.
    pub parent: Option<Id<id::GpuDevice>>,
    /// The administrator's switch.
    pub managed: ManagedState,
    /// Whether it can be trusted.
    pub health: Health,
    /// Whether an allocation of it is active.
    pub is_held: bool,
    /// How many more slices of the profile that its slices have can be made on it; 0 on an uncut GPU.
    pub creatable: u32,
}

/// How many GPUs there are and how many are in use: `gputotal`, `gpuused`, capacity type 19.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GpuCount {
    /// All that can be used or is.
    pub total: u32,
    /// Held now.
    pub used: u32,
}

/// Counts GPUs. A physical GPU is one while it is whole or empty. Once sliced it is as many as its current profile
/// allows: the slices it has and those that can still be made. What is unmanaged or not healthy counts only while held.
pub fn count(devices: &[Counted]) -> GpuCount {
    let mut children: HashMap<Id<id::GpuDevice>, Vec<&Counted>> = HashMap::new();
    for device in devices {
        if let Some(parent) = device.parent {
            children.entry(parent).or_default().push(device);
        }
    }
    let mut sum = GpuCount::default();
    for device in devices.iter().filter(|d| d.parent.is_none()) {
        let one = match children.get(&device.id) {
            Some(parts) => sliced(device, parts),
            None => whole(device),
        };
        sum.total += one.total;
        sum.used += one.used;
    }
    // parts whose physical GPU the host does not show
    let known: HashSet<Id<id::GpuDevice>> = devices.iter().map(|d| d.id).collect();
    for part in devices.iter().filter(|d| d.parent.is_some_and(|p| !known.contains(&p))) {
        sum.total += whole(part).total;
        sum.used += whole(part).used;
    }
    sum
}

fn whole(device: &Counted) -> GpuCount {
    let used = u32::from(device.is_held);
    GpuCount { total: used.max(u32::from(is_usable(device))), used }
}

fn sliced(gpu: &Counted, parts: &[&Counted]) -> GpuCount {
    let mut sum = GpuCount::default();
    for part in parts {
        let one = whole(part);
        let is_open = is_usable(gpu);
        sum.total += if is_open { one.total } else { one.used };
        sum.used += one.used;
    }
    if is_usable(gpu) {
        sum.total += gpu.creatable;
    }
    sum
}

fn is_usable(device: &Counted) -> bool {
    device.managed == ManagedState::Managed && device.health == Health::Ok
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Condition =
        Condition { health: Health::Ok, allocation: None, children_held: 0, is_parent_held: false };

    #[test]
    fn every_combination_has_one_word() {
        use {AllocationState as A, WireState as W};
        let with = |allocation| Condition { allocation: Some(allocation), ..PLAIN };
        assert_eq!(wire_state(&PLAIN), W::Free);
        for state in [A::Reserved, A::Allocated, A::Releasing] {
            assert_eq!(wire_state(&with(state)), W::Allocated, "{state}");
        }
        assert_eq!(wire_state(&with(A::Released)), W::Free);
        assert_eq!(wire_state(&Condition { children_held: 1, ..PLAIN }), W::PartiallyAllocated);
        assert_eq!(wire_state(&Condition { is_parent_held: true, ..PLAIN }), W::Allocated);
        for health in [Health::Missing, Health::Quarantined, Health::Foreign] {
            assert_eq!(wire_state(&Condition { health, ..PLAIN }), W::Error);
            assert_eq!(wire_state(&Condition { health, ..with(A::Allocated) }), W::Error);
        }
    }

    fn device(number: u128, parent: Option<u128>) -> Counted {
        let id_of = |n| Id::from_uuid(uuid::Uuid::from_u128(n));
        Counted {
            id: id_of(number),
            parent: parent.map(id_of),
            managed: ManagedState::Managed,
            health: Health::Ok,
            is_held: false,
            creatable: 0,
        }
    }

    fn counted(devices: &[Counted]) -> (u32, u32) {
        let GpuCount { total, used } = count(devices);
        (total, used)
    }

    #[test]
    fn a_physical_gpu_is_one_while_whole_or_empty() {
        let cut = Counted { creatable: 8, ..device(2, None) };
        let held = Counted { is_held: true, ..device(3, None) };
        assert_eq!(counted(&[device(1, None), cut, held]), (3, 1));
    }

    #[test]
    fn a_sliced_gpu_is_as_many_as_its_profile_allows() {
        let gpu = Counted { creatable: 6, ..device(1, None) };
        let held = Counted { is_held: true, ..device(2, Some(1)) };
        assert_eq!(counted(&[gpu, held, device(3, Some(1))]), (8, 1));
        let fixed = device(1, None);
        assert_eq!(counted(&[fixed, held, device(3, Some(1))]), (2, 1));
    }

    #[test]
    fn what_cannot_be_used_counts_only_while_held() {
        let off = Counted { managed: ManagedState::Unmanaged, ..device(1, None) };
        let sick = Counted { health: Health::Quarantined, ..device(2, None) };
        assert_eq!(counted(&[off, sick]), (0, 0));
        assert_eq!(counted(&[off, Counted { is_held: true, ..sick }]), (1, 1));
        let gpu = Counted { managed: ManagedState::Unmanaged, creatable: 6, ..device(1, None) };
        let held = Counted { is_held: true, ..device(2, Some(1)) };
        assert_eq!(counted(&[gpu, held, device(3, Some(1))]), (1, 1));
    }

    #[test]
    fn a_part_without_its_gpu_still_counts() {
        assert_eq!(counted(&[device(2, Some(1))]), (1, 0));
    }
}
