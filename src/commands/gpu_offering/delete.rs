//! `deleteGpuOffering`: offers it to nobody any more.

use crate::{command::prelude::*, store::gpu_offering};

/// `deleteGpuOffering`.
#[derive(Debug)]
pub(super) struct DeleteGpuOffering;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU offering
    id: Id<id::GpuOffering>,
}

impl Command for DeleteGpuOffering {
    const SPEC: Spec = Spec {
        name: "deleteGpuOffering",
        about: "Deletes a GPU offering; instances that have it keep their devices",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.OFFERING.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        cx.write(move |tx, _| {
            gpu_offering::remove(tx, id)?;
            Ok((Some((Kind::GpuOffering, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
