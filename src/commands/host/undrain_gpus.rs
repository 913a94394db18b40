//! `undrainHostGpus`: new instances may get the GPUs of this host again.

use super::draining::OfHost;
use crate::{command::prelude::*, commands::gpu_device::view::GpuDeviceView};

/// `undrainHostGpus`.
#[derive(Debug)]
pub(super) struct UndrainHostGpus;

impl Command for UndrainHostGpus {
    const SPEC: Spec = Spec {
        name: "undrainHostGpus",
        about: "Lets new instances get the GPUs of a host again",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("HOST.GPU.UNDRAIN"),
    };
    type Request = OfHost;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, host: OfHost) -> Result<Self::Response> {
        host.drain(cx, false).await
    }
}
