//! `unmanageGpuDevice`: the cloud leaves these devices alone.

use super::words::Devices;
use crate::{command::prelude::*, domain::gpu::ManagedState};

/// `unmanageGpuDevice`.
#[derive(Debug)]
pub(super) struct UnmanageGpuDevice;

impl Command for UnmanageGpuDevice {
    const SPEC: Spec = Spec {
        name: "unmanageGpuDevice",
        about: "Keeps GPU devices from being given to instances",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Devices;
    type Response = Success;

    async fn run(cx: &Cx, devices: Devices) -> Result<Self::Response> {
        devices.set(cx, ManagedState::Unmanaged).await
    }
}
