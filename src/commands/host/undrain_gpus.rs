//! `undrainHostGpus`: new instances may get the GPUs of this host again.

use crate::{
    command::prelude::*,
    commands::gpu_device::view::GpuDeviceView,
    store::{
        Window,
        gpu_device::{self, Filter},
        gpu_drain,
    },
};

/// `undrainHostGpus`.
#[derive(Debug)]
pub(super) struct UndrainHostGpus;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
}

impl Command for UndrainHostGpus {
    const SPEC: Spec = Spec {
        name: "undrainHostGpus",
        about: "Lets new instances get the GPUs of a host again",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("HOST.GPU.UNDRAIN"),
    };
    type Request = Request;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let host = request.id;
        let devices = cx
            .write(move |tx, _| {
                gpu_drain::host(tx, host, false)?;
                let filter = Filter { host: Some(host), ..Filter::default() };
                let devices = gpu_device::list(tx, &filter, &Window::ALL)?.1;
                Ok((Some((Kind::Host, host.uuid())), devices))
            })
            .await?;
        Ok(List::whole(devices.into_iter().map(GpuDeviceView::from).collect()))
    }
}
