//! `unmanageGpuDevice`: the cloud leaves these devices alone.

use crate::{command::prelude::*, domain::gpu::ManagedState, store::gpu_change};

/// `unmanageGpuDevice`.
#[derive(Debug)]
pub(super) struct UnmanageGpuDevice;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the IDs of the GPU devices, joined by commas
    #[param(required)]
    ids: Vec<Id<id::GpuDevice>>,
}

impl Command for UnmanageGpuDevice {
    const SPEC: Spec = Spec {
        name: "unmanageGpuDevice",
        about: "Keeps GPU devices from being given to instances",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { ids } = request;
        cx.write(move |tx, _| {
            gpu_change::set_managed(tx, &ids, ManagedState::Unmanaged)?;
            Ok((ids.first().map(|id| (Kind::GpuDevice, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
