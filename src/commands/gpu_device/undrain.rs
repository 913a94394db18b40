//! `undrainGpuDevice`: new instances may get these devices again.

use super::{view::GpuDeviceView, words::Devices};
use crate::command::prelude::*;

/// `undrainGpuDevice`.
#[derive(Debug)]
pub(super) struct UndrainGpuDevice;

impl Command for UndrainGpuDevice {
    const SPEC: Spec = Spec {
        name: "undrainGpuDevice",
        about: "Lets new instances get GPU devices again that were drained",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.UNDRAIN"),
    };
    type Request = Devices;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, devices: Devices) -> Result<Self::Response> {
        devices.drain(cx, false).await
    }
}
