//! `manageGpuDevice`: the cloud may give these devices away.
//!
//! It is the administrator's word for the device: one that was unmanaged and quarantined leaves quarantine by it. A
//! device that is managed already stays as it is, so the same click on a whole list clears nothing by accident.

use crate::{command::prelude::*, domain::gpu::ManagedState, store::gpu_change};

/// `manageGpuDevice`.
#[derive(Debug)]
pub(super) struct ManageGpuDevice;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the IDs of the GPU devices, joined by commas
    #[param(required)]
    ids: Vec<Id<id::GpuDevice>>,
}

impl Command for ManageGpuDevice {
    const SPEC: Spec = Spec {
        name: "manageGpuDevice",
        about: "Lets the cloud give GPU devices to instances",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { ids } = request;
        cx.write(move |tx, _| {
            gpu_change::set_managed(tx, &ids, ManagedState::Managed)?;
            Ok((ids.first().map(|id| (Kind::GpuDevice, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
