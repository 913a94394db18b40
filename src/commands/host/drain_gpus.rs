//! `drainHostGpus`: no new instance gets a GPU of this host, also none that is found or made later; whoever holds one keeps
//! it. Instances without GPUs still come here: `prepareHostForMaintenance` keeps those away too. The answer shows all GPU
//! devices of the host with who still holds them.

use crate::{
    command::prelude::*,
    commands::gpu_device::view::GpuDeviceView,
    store::{
        Window,
        gpu_device::{self, Filter},
        gpu_drain,
    },
};

/// `drainHostGpus`.
#[derive(Debug)]
pub(super) struct DrainHostGpus;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
}

impl Command for DrainHostGpus {
    const SPEC: Spec = Spec {
        name: "drainHostGpus",
        about: "Keeps new instances off the GPUs of a host and shows who still holds them",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("HOST.GPU.DRAIN"),
    };
    type Request = Request;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let host = request.id;
        let devices = cx
            .write(move |tx, _| {
                gpu_drain::host(tx, host, true)?;
                let filter = Filter { host: Some(host), ..Filter::default() };
                let devices = gpu_device::list(tx, &filter, &Window::ALL)?.1;
                Ok((Some((Kind::Host, host.uuid())), devices))
            })
            .await?;
        Ok(List::whole(devices.into_iter().map(GpuDeviceView::from).collect()))
    }
}
