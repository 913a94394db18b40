//! `listGpuDevices`: the GPUs and slices the caller may see, and who holds them.
//!
//! Root admins see all devices; everyone else those that instances in their reach hold, and of these only the fields
//! that concern instances.

use super::view::GpuDeviceView;
use crate::{
    command::prelude::*,
    store::{
        gpu_device::{self, Filter},
        owner,
    },
};

/// `listGpuDevices`.
#[derive(Debug)]
pub(super) struct ListGpuDevices;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU device
    #[param(admin)]
    id: Option<Id<id::GpuDevice>>,
    /// the ID of the host the device is in
    #[param(admin)]
    host_id: Option<Id<id::Host>>,
    /// the ID of the GPU card
    #[param(admin)]
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the ID of the vGPU profile
    #[param(admin)]
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the ID of the instance that holds the device
    virtual_machine_id: Option<Id<id::Vm>>,
    #[param(group)]
    page: Page,
}

impl Command for ListGpuDevices {
    const SPEC: Spec = Spec {
        name: "listGpuDevices",
        about: "Lists GPU devices and who holds them",
        since: "4.21.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<GpuDeviceView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, host_id, gpu_card_id, vgpu_profile_id, virtual_machine_id, page } =
            request;
        let filter = Filter {
            ids: id.into_iter().collect(),
            host: host_id,
            card: gpu_card_id,
            profile: vgpu_profile_id,
            vm: virtual_machine_id,
            owners: None,
        };
        let caller = cx.caller.clone();
        let (count, devices) = cx
            .db
            .read(move |conn| {
                let mut filter = filter.clone();
                if !caller.is_admin() {
                    let reach = owner::Wanted { list_all: true, ..owner::Wanted::default() };
                    filter.owners = Some(owner::owners(conn, &caller, &reach, true)?);
                }
                gpu_device::list(conn, &filter, &page.window())
            })
            .await?;
        Ok(List::page(count, devices.into_iter().map(GpuDeviceView::from).collect()))
    }
}
