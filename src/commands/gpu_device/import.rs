//! `importGpuDevices`: takes over what CloudStack's discovery script printed on a host, for what libvirt does not tell.
//!
//! Nobody gets a device of the file before its host shows it. Devices that are in the books stay as they are, and so
//! do GPUs that their host shows as whole.

use super::view::GpuDeviceView;
use crate::{
    command::prelude::*,
    domain::gpu::{Change, DeviceType, Diff, ManagedState, discovery},
    store::{
        Window, gpu_claim,
        gpu_device::{self, Filter},
        gpu_inventory, gpu_model,
    },
};

/// `importGpuDevices`.
#[derive(Debug)]
pub(super) struct ImportGpuDevices;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host the file is of
    host_id: Id<id::Host>,
    /// the JSON text that the discovery script of a CloudStack host prints
    #[param(max = 1_048_576)]
    discovery: String,
}

impl Command for ImportGpuDevices {
    const SPEC: Spec = Spec {
        name: "importGpuDevices",
        about: "Enters the GPU devices, cards and profiles of a discovery file of CloudStack, and lists the host's devices",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.IMPORT"),
    };
    type Request = Request;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { host_id: host, discovery } = request;
        let listed = discovery::read(&discovery)
            .map_err(|why| Error::Invalid(format!("discovery is not understood: {why}")))?;
        let managed = match cx.settings.manage_discovered {
            true => ManagedState::Managed,
            false => ManagedState::Unmanaged,
        };
        let filter = Filter { host: Some(host), ..Filter::default() };
        let (count, devices) = cx
            .write(move |tx, _| {
                gpu_claim::lock_host(tx, host)?;
                let known = gpu_inventory::known(tx, host)?;
                let find = |at: &str| known.iter().find(|known| known.address == at);
                // a part would keep its GPU from being given away whole: what the host shows as whole stays so
                let is_new = |one: &&discovery::Listed| {
                    let parent = one.device.parent.as_deref().and_then(find);
                    find(&one.device.address).is_none()
                        && parent.is_none_or(|parent| parent.device_type != DeviceType::PCI)
                };
                let insert = |one: &discovery::Listed| Change::Insert {
                    device: Box::new(one.device.clone()),
                    used_by: one.used_by.clone(),
                };
                let changes: Vec<Change> = listed.iter().filter(is_new).map(insert).collect();
                let diff = Diff { changes, ..Diff::default() };
                gpu_inventory::apply(tx, host, &known, &diff, managed)?;
                gpu_model::complete(tx, listed.iter().map(|one| &one.device))?;
                gpu_inventory::changed(tx, host)?;
                let devices = gpu_device::list(tx, &filter, &Window::ALL)?;
                Ok((Some((Kind::Host, host.uuid())), devices))
            })
            .await?;
        Ok(List::page(count, devices.into_iter().map(GpuDeviceView::from).collect()))
    }
}
