//! `acceptGpuDrift`: what the host shows is right: another group, another driver, a narrower link. Who uses a device and
//! whether it is there is not a matter of opinion.

use crate::{command::prelude::*, store::gpu_drift};

/// `acceptGpuDrift`.
#[derive(Debug)]
pub(super) struct AcceptGpuDrift;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the IDs of the disagreements, joined by commas
    #[param(required)]
    ids: Vec<Id<id::GpuDrift>>,
}

impl Command for AcceptGpuDrift {
    const SPEC: Spec = Spec {
        name: "acceptGpuDrift",
        about: "Takes for right what a host shows of a GPU device",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DRIFT.ACCEPT"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { ids } = request;
        cx.write(move |tx, _| {
            gpu_drift::accept(tx, &ids)?;
            Ok((ids.first().map(|id| (Kind::GpuDrift, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
