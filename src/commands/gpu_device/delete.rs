//! `deleteGpuDevice`: takes devices out of the books. One that its host still shows comes back with the next look.

use crate::{command::prelude::*, store::gpu_change};

/// `deleteGpuDevice`.
#[derive(Debug)]
pub(super) struct DeleteGpuDevice;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the IDs of the GPU devices, joined by commas
    #[param(required)]
    ids: Vec<Id<id::GpuDevice>>,
}

impl Command for DeleteGpuDevice {
    const SPEC: Spec = Spec {
        name: "deleteGpuDevice",
        about: "Deletes GPU devices that no instance holds",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { ids } = request;
        cx.write(move |tx, _| {
            gpu_change::remove(tx, &ids)?;
            Ok((ids.first().map(|id| (Kind::GpuDevice, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
