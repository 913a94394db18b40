//! `drainGpuDevice`: no new instance gets these devices; whoever holds one keeps it, also over a stop and a start.
//! The answer shows who still holds what: a device without an instance is drained.

use super::{view::GpuDeviceView, words::Devices};
use crate::command::prelude::*;

/// `drainGpuDevice`.
#[derive(Debug)]
pub(super) struct DrainGpuDevice;

impl Command for DrainGpuDevice {
    const SPEC: Spec = Spec {
        name: "drainGpuDevice",
        about: "Keeps new instances off GPU devices and shows who still holds them",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.DRAIN"),
    };
    type Request = Devices;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, devices: Devices) -> Result<Self::Response> {
        devices.drain(cx, true).await
    }
}
