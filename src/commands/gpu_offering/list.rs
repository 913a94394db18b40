//! `listGpuOfferings`: what GPUs may be asked for. Everyone sees those for everyone and for the own domain.

use super::view::GpuOfferingView;
use crate::{
    command::prelude::*,
    store::gpu_offering::{self, Filter},
};

/// `listGpuOfferings`.
#[derive(Debug)]
pub(super) struct ListGpuOfferings;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU offering
    id: Option<Id<id::GpuOffering>>,
    /// the name of the GPU offering
    name: Option<String>,
    /// the ID of a GPU card that one of the alternatives is of
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the ID of a vGPU profile that one of the alternatives is of
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the state: Active or Inactive
    state: Option<String>,
    /// the ID of a zone that they can be used in
    zone_id: Option<Id<id::Zone>>,
    #[param(group)]
    page: Page,
}

impl Command for ListGpuOfferings {
    const SPEC: Spec = Spec {
        name: "listGpuOfferings",
        about: "Lists the GPU offerings",
        since: "4.22.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<GpuOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, gpu_card_id, vgpu_profile_id, state, zone_id, page } = request;
        let usable_by = Some(cx.caller.as_ref().clone());
        let filter = Filter {
            id,
            name,
            card: gpu_card_id,
            profile: vgpu_profile_id,
            state,
            zone: zone_id,
            usable_by,
        };
        let (count, offerings) =
            cx.db.read(move |conn| gpu_offering::list(conn, &filter, &page.window())).await?;
        Ok(List::page(count, offerings.into_iter().map(GpuOfferingView::from).collect()))
    }
}
