//! `drainHostGpus`: no new instance gets a GPU of this host, also none that is found or made later; whoever holds one keeps
//! it. Instances without GPUs still come here: `prepareHostForMaintenance` keeps those away too. The answer shows all GPU
//! devices of the host with who still holds them.

use super::draining::OfHost;
use crate::{command::prelude::*, commands::gpu_device::view::GpuDeviceView};

/// `drainHostGpus`.
#[derive(Debug)]
pub(super) struct DrainHostGpus;

impl Command for DrainHostGpus {
    const SPEC: Spec = Spec {
        name: "drainHostGpus",
        about: "Keeps new instances off the GPUs of a host and shows who still holds them",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("HOST.GPU.DRAIN"),
    };
    type Request = OfHost;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, host: OfHost) -> Result<Self::Response> {
        host.drain(cx, true).await
    }
}
