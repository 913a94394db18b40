//! `manageGpuDevice`: the cloud may give these devices away.
//!
//! It is the administrator's word for the device: one that was unmanaged and quarantined leaves quarantine by it. A
//! device that is managed already stays as it is, so the same click on a whole list clears nothing by accident.

use super::words::Devices;
use crate::{command::prelude::*, domain::gpu::ManagedState};

/// `manageGpuDevice`.
#[derive(Debug)]
pub(super) struct ManageGpuDevice;

impl Command for ManageGpuDevice {
    const SPEC: Spec = Spec {
        name: "manageGpuDevice",
        about: "Lets the cloud give GPU devices to instances",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.EDIT"),
    };
    type Request = Devices;
    type Response = Success;

    async fn run(cx: &Cx, devices: Devices) -> Result<Self::Response> {
        devices.set(cx, ManagedState::Managed).await
    }
}
