//! What `drainHostGpus` and `undrainHostGpus` share: which host, and its devices as they are then.

use crate::{
    command::prelude::*,
    commands::gpu_device::view::GpuDeviceView,
    store::{
        Window,
        gpu_device::{self, Filter},
        gpu_drain,
    },
};

/// Their parameters.
#[derive(Debug, Params)]
pub(super) struct OfHost {
    /// the ID of the host
    id: Id<id::Host>,
}

impl OfHost {
    /// Keeps new instances off the host's GPUs, or not any more; all its devices, with who still holds them.
    pub(super) async fn drain(self, cx: &Cx, is_draining: bool) -> Result<List<GpuDeviceView>> {
        let host = self.id;
        let devices = cx
            .write(move |tx, _| {
                gpu_drain::host(tx, host, is_draining)?;
                let filter = Filter { host: Some(host), ..Filter::default() };
                let devices = gpu_device::list(tx, &filter, &Window::ALL)?.1;
                Ok((Some((Kind::Host, host.uuid())), devices))
            })
            .await?;
        Ok(List::whole(devices.into_iter().map(GpuDeviceView::from).collect()))
    }
}
