//! `discoverGpuDevices`: looks at a host now and says what it has. What looks like a GPU and was left out is told, with
//! the reason, among the host's `details`.

use super::view::GpuDeviceView;
use crate::{
    command::{inventory, prelude::*},
    store::{
        Window,
        gpu_device::{self, Filter},
        gpu_inventory,
    },
};

/// `discoverGpuDevices`.
#[derive(Debug)]
pub(super) struct DiscoverGpuDevices;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
    #[param(group)]
    page: Page,
}

impl Command for DiscoverGpuDevices {
    const SPEC: Spec = Spec {
        name: "discoverGpuDevices",
        about: "Looks at the GPU devices of a host and lists them",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.DISCOVER"),
    };
    type Request = Request;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        // CloudStack reads the words of paging and lists the host's devices whole all the same
        let Request { id: host, page } = request;
        drop(page);
        let state = cx.db.read(move |conn| gpu_inventory::host_state(conn, host)).await?;
        if state != "Up" {
            return Err(Error::Invalid(format!(
                "host {host} is {state}: GPU devices are discovered on hosts that are Up"
            )));
        }
        inventory::refresh(cx.wiring(), host).await?;
        let filter = Filter { host: Some(host), ..Filter::default() };
        let (count, devices) = cx
            .write(move |tx, _| {
                let devices = gpu_device::list(tx, &filter, &Window::ALL)?;
                Ok((Some((Kind::Host, host.uuid())), devices))
            })
            .await?;
        Ok(List::page(count, devices.into_iter().map(GpuDeviceView::from).collect()))
    }
}
