//! Small builders for the tests of this room.

use super::{
    Affinity, Alternative, Candidate, Class, Demand, HostDevice, Needs, NodeRoom, NumaPolicy,
    Packing,
};
use crate::domain::{
    Id,
    gpu::{
        DeviceType, Fabric, Health, ManagedState, PciAddress,
        claim::{Room, Standing},
    },
    id,
    machine::Bytes,
};
use uuid::Uuid;

pub(super) fn id_of<T>(number: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(number))
}

/// A whole GPU's profile.
pub(super) const WHOLE: Id<id::VgpuProfile> = Id::from_uuid(Uuid::from_u128(1001));
/// A slice's profile.
pub(super) const QUARTER: Id<id::VgpuProfile> = Id::from_uuid(Uuid::from_u128(1002));

fn bus(bus: u8) -> PciAddress {
    PciAddress { domain: 0, bus, slot: 0, function: 0 }
}

/// A free GPU, on node 0 up to number 4 and on node 1 from there, two below each switch.
pub(super) fn gpu(number: u8) -> HostDevice {
    let place = (number - 1) % 8;
    HostDevice {
        standing: Standing {
            id: id_of(number.into()),
            parent: None,
            profile: WHOLE,
            device_type: DeviceType::PCI,
            managed: ManagedState::Managed,
            health: Health::Ok,
            is_ready: true,
            on_demand: false,
            iommu_group: Some(number.into()),
            carrier: bus(number),
            is_held: false,
            is_draining: false,
            module: None,
            cut: None,
            mdev: None,
        },
        numa_node: Some(u32::from(place / 4)),
        pci_switch: Some(bus(100 + place / 2)),
        pci_root: None,
        ready_reason: None,
    }
}

pub(super) fn slice_of(parent: &HostDevice, number: u128) -> HostDevice {
    let mut slice = parent.clone();
    slice.standing.id = id_of(number);
    slice.standing.parent = Some(parent.standing.id);
    slice.standing.profile = QUARTER;
    slice.standing.device_type = DeviceType::MDEV;
    slice.standing.iommu_group = None;
    slice.standing.is_held = false;
    slice.standing.mdev = Some(Uuid::from_u128(number));
    slice
}

pub(super) fn room(number: u8, most: i32) -> Room {
    Room {
        gpu: id_of(number.into()),
        profile: QUARTER,
        carrier: bus(number),
        mdev_type: "nvidia-222".into(),
        capacity: most,
        gpu_capacity: most,
        is_mixed: false,
        mig: None,
    }
}

/// A node with so many CPUs of 2000 MHz and so much memory, all free.
pub(super) fn node(node: u32, cpus: u32, free_memory: Bytes) -> NodeRoom {
    NodeRoom { node, cpus, free_mhz: u64::from(cpus) * 2000, free_memory }
}

/// An enabled host of 64 cores with GPUs of these numbers.
pub(super) fn host(number: u128, gpus: impl IntoIterator<Item = u8>) -> Candidate {
    Candidate {
        host: id_of(number),
        class: Class::default(),
        cores: 64,
        free_mhz: 64 * 2000,
        free_memory: 512 << 30,
        nodes: vec![],
        pages: None,
        pools: vec![],
        devices: gpus.into_iter().map(gpu).collect(),
        rooms: vec![],
        fabric: Fabric::default(),
        gpu_memory: Default::default(),
    }
}

pub(super) fn want(count: u32) -> Demand {
    let whole = Alternative { profile: WHOLE, name: "NVIDIA A100 passthrough".into(), count };
    Demand {
        vcpus: 4,
        mhz: 2000,
        memory: 8 << 30,
        needs: Needs::default(),
        alternatives: if count == 0 { vec![] } else { vec![whole] },
        numa: NumaPolicy::Preferred,
        exact: vec![],
        kept: vec![],
        packing: Packing::Pack,
        host: None,
        avoid: vec![],
        affinity: Affinity::default(),
    }
}
