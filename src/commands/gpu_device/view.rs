//! The `gpudevice` object. Others than root admins read only what concerns their instances.

use crate::{
    command::prelude::*,
    domain::gpu::{DeviceType, Health, PciAddress},
    store::gpu_device::{Holder, Listed},
};

/// A GPU device.
#[derive(Debug, View)]
#[view(object = "gpudevice")]
pub struct GpuDeviceView {
    /// the ID of the GPU device
    id: Id<id::GpuDevice>,
    /// the PCI address, or the UUID of a mediated device
    #[view(admin)]
    bus_address: Option<String>,
    /// how the device is attached: PCI, MDEV, or VGPUOnly for one that is used only in parts
    #[view(admin)]
    gpu_device_type: Option<&'static str>,
    /// the ID of the host the device is in
    #[view(admin)]
    host_id: Option<Id<id::Host>>,
    /// the name of the host the device is in
    #[view(admin)]
    hostname: Option<String>,
    /// the ID of the GPU card
    #[view(admin)]
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the display name of the GPU card
    gpu_card_name: String,
    /// the ID of the vGPU profile
    #[view(admin)]
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the name of the vGPU profile
    vgpu_profile_name: String,
    /// the ID of the instance that holds the device
    virtual_machine_id: Option<Id<id::Vm>>,
    /// the name of that instance on its host
    virtual_machine_name: Option<String>,
    /// the state of that instance
    vm_state: Option<&'static str>,
    /// the state in one word: Free, Allocated, PartiallyAllocated or Error
    #[view(admin)]
    state: Option<&'static str>,
    /// whether the cloud may give the device away: Managed or Unmanaged
    #[view(admin)]
    managed_state: Option<&'static str>,
    /// the ID of the GPU device this one is a part of
    #[view(admin)]
    parent_gpu_device_id: Option<Id<id::GpuDevice>>,
    /// the NUMA node; -1 when it is not known
    #[view(admin)]
    numa_node: Option<String>,
    /// where the device is on its way from instance to instance: Free, Reserved, Allocated, Releasing or Quarantined
    #[view(admin)]
    allocation_state: Option<&'static str>,
    /// whether the device can be trusted: Ok, Missing, Quarantined or Foreign
    #[view(admin)]
    health: Option<&'static str>,
    /// why it cannot be trusted
    #[view(admin)]
    reason: Option<String>,
    /// whether the host is ready to give the device to an instance
    #[view(admin)]
    ready: Option<bool>,
    /// why it is not, with what to do about it; of a ready device what one should know all the same
    #[view(admin)]
    ready_reason: Option<String>,
    /// the driver of the host that is bound to the device
    #[view(admin)]
    driver: Option<String>,
    /// the number of the IOMMU group
    #[view(admin)]
    iommu_group: Option<i32>,
    /// the PCIe root port above the device
    #[view(admin)]
    pci_root: Option<String>,
    /// whether the device is made at start and removed after release
    #[view(admin)]
    on_demand: Option<bool>,
    /// whether the device is being drained: whoever holds it keeps it, nobody else gets it
    #[view(admin)]
    draining: Option<bool>,
    /// when the host last showed the device
    #[view(admin)]
    last_seen: Option<Date>,
    /// since when the allocation state and the health are what they are
    #[view(admin)]
    since: Option<Date>,
}

impl From<Listed> for GpuDeviceView {
    fn from(listed: Listed) -> Self {
        let Listed { device, host, card, profile, holder, state } = listed;
        let numa = device.numa_node.map_or_else(|| "-1".to_owned(), |node| node.to_string());
        let allocation = match (&holder, device.health) {
            (Some(holder), _) => holder.allocation.as_str(),
            (None, Health::Quarantined) => "Quarantined",
            (None, Health::Ok | Health::Missing | Health::Foreign) => "Free",
        };
        let since = holder.as_ref().map_or(device.since, |holder| holder.since.max(device.since));
        let (vm, name, vm_state) = match holder {
            Some(Holder { vm, instance_name: Some(name), state, .. }) => {
                (Some(vm), Some(name), state.map(|state| state.as_str()))
            }
            _ => (None, None, None),
        };
        Self {
            id: device.id,
            bus_address: Some(short(device.device_type, &device.address)),
            gpu_device_type: Some(device.device_type.as_str()),
            host_id: Some(device.host_id),
            hostname: Some(host),
            gpu_card_id: Some(device.card_id),
            gpu_card_name: card,
            vgpu_profile_id: Some(device.profile_id),
            vgpu_profile_name: profile,
            virtual_machine_id: vm,
            virtual_machine_name: name,
            vm_state,
            state: Some(state.as_str()),
            managed_state: Some(device.managed.as_str()),
            parent_gpu_device_id: device.parent_id,
            numa_node: Some(numa),
            allocation_state: Some(allocation),
            health: Some(device.health.as_str()),
            reason: device.health_reason,
            ready: Some(device.is_ready),
            ready_reason: device.ready_reason,
            driver: device.driver,
            iommu_group: device.iommu_group,
            pci_root: device.pci_root.map(|address| address.to_string()),
            on_demand: Some(device.on_demand),
            draining: Some(device.draining),
            last_seen: device.seen.map(Date::from),
            since: Some(since.into()),
        }
    }
}

/// PCI addresses in the short form, where CloudStack's clients expect it.
fn short(kind: DeviceType, address: &str) -> String {
    match (kind, address.parse::<PciAddress>()) {
        (DeviceType::PCI | DeviceType::VGPUOnly, Ok(address)) => address.short(),
        _ => address.to_owned(),
    }
}
