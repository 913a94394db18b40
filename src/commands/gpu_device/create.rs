//! `createGpuDevice`: enters a device that discovery did not find. Nobody gets it before its host shows it.

use super::{view::GpuDeviceView, words};
use crate::{
    command::prelude::*,
    domain::gpu::DeviceType,
    store::{
        gpu_change::{self, NewDevice},
        gpu_device,
    },
};

/// `createGpuDevice`.
#[derive(Debug)]
pub(super) struct CreateGpuDevice;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host the device is in
    host_id: Id<id::Host>,
    /// the PCI address, as 0000:3b:00.0 or 3b:00.0, or the UUID of a mediated device
    bus_address: String,
    /// the ID of the GPU card
    gpu_card_id: Id<id::GpuCard>,
    /// the ID of the vGPU profile
    vgpu_profile_id: Id<id::VgpuProfile>,
    /// how the device is attached: PCI, MDEV or VGPUOnly; PCI when not given
    r#type: Option<String>,
    /// the ID of the GPU device this one is a part of
    parent_gpu_device_id: Option<Id<id::GpuDevice>>,
    /// the NUMA node; -1, when not given: unknown
    numa_node: Option<String>,
}

impl Command for CreateGpuDevice {
    const SPEC: Spec = Spec {
        name: "createGpuDevice",
        about: "Enters a GPU device of a host",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.CREATE"),
    };
    type Request = Request;
    type Response = One<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let device_type = match request.r#type.as_deref() {
            Some(word) => words::device_type(word)?,
            None => DeviceType::PCI,
        };
        let (address, function) = words::address(device_type, &request.bus_address)?;
        let new = NewDevice {
            id: Id::mint(),
            host: request.host_id,
            card: request.gpu_card_id,
            profile: request.vgpu_profile_id,
            parent: request.parent_gpu_device_id,
            device_type,
            address,
            function,
            numa_node: words::numa_node(request.numa_node.as_deref().unwrap_or("-1"))?,
        };
        let id = new.id;
        let made = cx
            .write(move |tx, _| {
                gpu_change::create(tx, &new)?;
                Ok((Some((Kind::GpuDevice, id.uuid())), gpu_device::get(tx, id)?))
            })
            .await?;
        let made = made.ok_or_else(|| Error::internal("the device was not made"))?;
        Ok(One(made.into()))
    }
}
