//! `listServiceOfferings`: the sizes of instance that the caller may use.

use super::view::ServiceOfferingView;
use crate::{
    command::prelude::*,
    commands::annotation::view::annotated,
    store::service_offering::{self, Filter},
};
use std::sync::Arc;

/// `listServiceOfferings`.
#[derive(Debug)]
pub(super) struct ListServiceOfferings;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the service offering
    id: Option<Id<id::ServiceOffering>>,
    /// the name of the service offering
    name: Option<String>,
    /// the ID of an instance: lists the offerings it could change to
    virtual_machine_id: Option<Id<id::Vm>>,
    /// whether to list offerings for system instances, of which there are none
    is_system: Option<bool>,
    /// the ID of a zone: lists offerings usable there
    #[param(since = "4.13")]
    zone_id: Option<Id<id::Zone>>,
    /// the least number of CPUs
    #[param(since = "4.15")]
    cpu_number: Option<i32>,
    /// the least memory in MiB
    #[param(since = "4.15")]
    memory: Option<i32>,
    /// the least CPU speed in MHz
    #[param(since = "4.15")]
    cpu_speed: Option<i32>,
    /// the kind of storage: shared or local
    #[param(since = "4.19")]
    storage_type: Option<String>,
    /// Active, Inactive or all; Active when not given
    #[param(since = "4.19")]
    state: Option<String>,
    /// the ID of the vGPU profile
    #[param(since = "4.21.0")]
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// true for offerings with GPUs only, false for those without
    #[param(since = "4.21.0")]
    gpu_enabled: Option<bool>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListServiceOfferings {
    const SPEC: Spec = Spec {
        name: "listServiceOfferings",
        about: "Lists the service offerings that the caller may use",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ServiceOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        if request.is_system == Some(true) {
            return Ok(List::whole(Vec::new()));
        }
        let window = request.listing.page.window();
        let filter = Filter {
            id: request.id,
            name: request.name,
            zone: request.zone_id,
            domain: request.listing.domain,
            profile: request.vgpu_profile_id,
            gpu_enabled: request.gpu_enabled,
            cpu_number: request.cpu_number,
            cpu_speed: request.cpu_speed,
            memory_mib: request.memory,
            state: request.state,
            storage_type: request.storage_type,
            not_of_vm: request.virtual_machine_id,
        };
        let caller = Arc::clone(&cx.caller);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = service_offering::list(conn, &caller, &filter, &window)?;
                Ok((count, annotated(conn, rows.into_iter().map(ServiceOfferingView::from))?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
