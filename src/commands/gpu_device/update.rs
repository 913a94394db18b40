//! `updateGpuDevice`: corrects what the books say of a device that nobody holds.

use super::{view::GpuDeviceView, words};
use crate::{
    command::prelude::*,
    store::{
        gpu_change::{self, Correction},
        gpu_device,
    },
};

/// `updateGpuDevice`.
#[derive(Debug)]
pub(super) struct UpdateGpuDevice;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU device
    id: Id<id::GpuDevice>,
    /// the ID of the GPU card
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the ID of the vGPU profile
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// how the device is attached: PCI, MDEV or VGPUOnly
    r#type: Option<String>,
    /// the ID of the GPU device this one is a part of
    parent_gpu_device_id: Option<Id<id::GpuDevice>>,
    /// the NUMA node; -1: unknown
    numa_node: Option<String>,
}

impl Command for UpdateGpuDevice {
    const SPEC: Spec = Spec {
        name: "updateGpuDevice",
        about: "Corrects what is known of a GPU device that no instance holds",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Request;
    type Response = One<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, gpu_card_id, vgpu_profile_id, r#type, parent_gpu_device_id, numa_node } =
            request;
        let correction = Correction {
            card: gpu_card_id,
            profile: vgpu_profile_id,
            device_type: r#type.as_deref().map(words::device_type).transpose()?,
            parent: parent_gpu_device_id,
            numa_node: numa_node.as_deref().map(words::numa_node).transpose()?,
        };
        let changed = cx
            .write(move |tx, _| {
                gpu_change::correct(tx, id, &correction)?;
                Ok((Some((Kind::GpuDevice, id.uuid())), gpu_device::get(tx, id)?))
            })
            .await?;
        let changed =
            changed.ok_or_else(|| Error::NotFound { what: "GPU device", id: id.to_string() })?;
        Ok(One(changed.into()))
    }
}
