//! `enableGpuDevice`: another name for `manageGpuDevice`.

use super::words::Devices;
use crate::{command::prelude::*, domain::gpu::ManagedState};

/// `enableGpuDevice`.
#[derive(Debug)]
pub(super) struct EnableGpuDevice;

impl Command for EnableGpuDevice {
    const SPEC: Spec = Spec {
        name: "enableGpuDevice",
        about: "Lets the cloud give GPU devices to instances, as manageGpuDevice does",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Devices;
    type Response = Success;

    async fn run(cx: &Cx, devices: Devices) -> Result<Self::Response> {
        devices.set(cx, ManagedState::Managed).await
    }
}
