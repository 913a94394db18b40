//! `disableGpuDevice`: another name for `unmanageGpuDevice`.

use super::words::Devices;
use crate::{command::prelude::*, domain::gpu::ManagedState};

/// `disableGpuDevice`.
#[derive(Debug)]
pub(super) struct DisableGpuDevice;

impl Command for DisableGpuDevice {
    const SPEC: Spec = Spec {
        name: "disableGpuDevice",
        about: "Keeps GPU devices from being given to instances, as unmanageGpuDevice does",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Devices;
    type Response = Success;

    async fn run(cx: &Cx, devices: Devices) -> Result<Self::Response> {
        devices.set(cx, ManagedState::Unmanaged).await
    }
}
