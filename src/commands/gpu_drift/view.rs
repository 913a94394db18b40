//! The `gpudrift` object.

use crate::{
    command::prelude::*,
    domain::gpu::{DeviceType, PciAddress},
    store::gpu_drift::Listed,
};

/// A disagreement between a host and the inventory.
#[derive(Debug, View)]
#[view(object = "gpudrift")]
pub struct GpuDriftView {
    /// the ID of the disagreement
    id: Id<id::GpuDrift>,
    /// the ID of the GPU device
    gpu_device_id: Id<id::GpuDevice>,
    /// the PCI address, or the UUID of a mediated device
    bus_address: String,
    /// the ID of the host
    host_id: Id<id::Host>,
    /// the name of the host
    hostname: String,
    /// what they disagree about: Foreign, UsedByOther, NotAttached, Gone, IommuGroup, Link or Driver
    kind: &'static str,
    /// what the inventory says, or said before
    expected: String,
    /// what the host shows
    seen: String,
    /// the name of the domain that uses the device
    domain_name: Option<String>,
    /// since when they disagree
    since: Date,
    /// true when an administrator accepted what is seen
    accepted: Option<bool>,
}

impl From<Listed> for GpuDriftView {
    fn from(one: Listed) -> Self {
        let bus_address = match (one.device_type, one.address.parse::<PciAddress>()) {
            (DeviceType::PCI | DeviceType::VGPUOnly, Ok(address)) => address.short(),
            _ => one.address,
        };
        Self {
            id: one.id,
            gpu_device_id: one.device,
            bus_address,
            host_id: one.host,
            hostname: one.host_name,
            kind: one.kind.as_str(),
            expected: one.expected,
            seen: one.seen,
            domain_name: one.domain,
            since: one.since.into(),
            accepted: one.accepted.map(|_| true),
        }
    }
}
