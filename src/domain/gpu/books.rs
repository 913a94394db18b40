//! What the books say about a host's devices, as far as reconciling needs it.

use super::{AllocationState, DeviceType, Health, Observed, PciAddress, ProfileKind, SliceType};
use crate::domain::{Id, id};
use uuid::Uuid;

/// A device row that is alive.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownDevice {
    /// Its id.
    pub id: Id<id::GpuDevice>,
    /// The bus address: `0000:3b:00.0`, or a mediated device's UUID.
    pub address: String,
    /// The bus address of its parent's row.
    pub parent: Option<String>,
    /// PCI vendor id of its card.
    pub vendor_id: u16,
    /// PCI device id of its card.
    pub device_id: u16,
    /// The kind of its profile.
    pub kind: ProfileKind,
    /// A mediated device's type id on the host.
    pub mdev_type: Option<String>,
    /// How it is attached.
    pub device_type: DeviceType,
    /// Whether we make it at start and remove it after release.
    pub on_demand: bool,
    /// What the host said about it last.
    pub facts: Facts,
    /// Whether it can be trusted.
    pub health: Health,
    /// Whether a job resets it now: what is seen meanwhile says nothing.
    pub is_being_reset: bool,
    /// How many successful probes in a row did not show it.
    pub missed: u32,
    /// What can be made on it; by carrier and type.
    pub slices: Vec<KnownSlice>,
}

/// What a host says about a device and what may change from probe to probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<u32>,
    /// The root port above it.
    pub pci_root: Option<PciAddress>,
    /// The PCIe switch above it.
    pub pci_switch: Option<PciAddress>,
    /// IOMMU group.
    pub iommu_group: Option<u32>,
    /// Functions that travel with it.
    pub companions: Vec<PciAddress>,
    /// The bound driver.
    pub driver: Option<String>,
    /// Whether it can be given away as it is.
    pub is_ready: bool,
    /// Why not; on a ready device what an operator should know all the same.
    pub ready_reason: Option<String>,
}

/// A row about slices that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSlice {
    /// The function on which it is made.
    pub carrier: PciAddress,
    /// The type's id on this host.
    pub mdev_type: String,
    /// How many of it the carrier can hold, existing ones included.
    pub capacity: u32,
    /// How many of it the whole physical GPU can hold, existing ones included.
    pub gpu_capacity: u32,
    /// Whether it may stand beside slices of another type.
    pub is_mixed: bool,
}

/// An allocation row that is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAllocation {
    /// The device.
    pub device: Id<id::GpuDevice>,
    /// The UUID of the domain that holds it: the instance's id.
    pub domain: Uuid,
    /// Where it is in its life.
    pub state: AllocationState,
}

impl From<&Observed> for Facts {
    fn from(seen: &Observed) -> Self {
        Self {
            numa_node: seen.numa_node,
            pci_root: seen.pci_root,
            pci_switch: seen.pci_switch,
            iommu_group: seen.iommu_group,
            companions: seen.companions.clone(),
            driver: seen.driver.clone(),
            is_ready: seen.assessment.is_ready(),
            ready_reason: seen.assessment.stop_text().or_else(|| seen.assessment.warning_text()),
        }
    }
}

impl From<&SliceType> for KnownSlice {
    fn from(seen: &SliceType) -> Self {
        Self {
            carrier: seen.carrier,
            mdev_type: seen.mdev_type.clone(),
            capacity: seen.capacity,
            gpu_capacity: seen.gpu_capacity,
            is_mixed: seen.is_mixed,
        }
    }
}

impl KnownDevice {
    /// Whether the row and the observation are the same thing: address, card and way of consumption agree. A swapped
    /// card is another device, though it sits in the same slot.
    pub fn is_same(&self, seen: &Observed) -> bool {
        let way_agrees = match (&self.mdev_type, &seen.mdev_type) {
            (Some(booked), Some(shown)) => booked == shown,
            // entered by hand: the UUID says enough
            (None, Some(_)) => self.device_type == DeviceType::MDEV,
            (None, None) => self.kind == seen.profile.kind,
            (Some(_), None) => false,
        };
        way_agrees
            && self.address == seen.address
            && (self.vendor_id, self.device_id) == (seen.card.vendor_id, seen.card.device_id)
    }
}
