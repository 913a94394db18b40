//! `listVgpuProfiles`: the ways to consume the cards that the cloud knows.

use super::view::VgpuProfileView;
use crate::{command::prelude::*, store::vgpu_profile};

/// `listVgpuProfiles`.
#[derive(Debug)]
pub(super) struct ListVgpuProfiles;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the vGPU profile
    id: Option<Id<id::VgpuProfile>>,
    /// the name of the vGPU profile
    name: Option<String>,
    /// the ID of the GPU card
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// true to list only profiles of which a device is known
    active_only: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListVgpuProfiles {
    const SPEC: Spec = Spec {
        name: "listVgpuProfiles",
        about: "Lists the vGPU profiles that are known",
        since: "4.21.0",
        roles: Role::ADMINS,
        event: None,
    };
    type Request = Request;
    type Response = List<VgpuProfileView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, gpu_card_id, active_only, page } = request;
        let active_only = active_only.unwrap_or(false);
        let filter = vgpu_profile::Filter { id, name, card: gpu_card_id, active_only };
        let (count, profiles) =
            cx.db.read(move |conn| vgpu_profile::list(conn, &filter, &page.window())).await?;
        Ok(List::page(count, profiles.into_iter().map(VgpuProfileView::from).collect()))
    }
}
