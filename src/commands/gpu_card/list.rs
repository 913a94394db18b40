//! `listGpuCards`: the hardware models that the cloud knows.

use super::view::GpuCardView;
use crate::{command::prelude::*, store::gpu_card};

/// `listGpuCards`.
#[derive(Debug)]
pub(super) struct ListGpuCards;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU card
    id: Option<Id<id::GpuCard>>,
    /// the name of the vendor
    vendor_name: Option<String>,
    /// the PCI vendor ID
    vendor_id: Option<String>,
    /// the PCI device ID
    device_id: Option<String>,
    /// the name of the hardware
    device_name: Option<String>,
    /// true to list only cards of which a device is known
    active_only: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListGpuCards {
    const SPEC: Spec = Spec {
        name: "listGpuCards",
        about: "Lists the GPU cards that are known",
        since: "4.21.0",
        roles: Role::ADMINS,
        event: None,
    };
    type Request = Request;
    type Response = List<GpuCardView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, vendor_name, vendor_id, device_id, device_name, active_only, page } =
            request;
        let active_only = active_only.unwrap_or(false);
        let filter =
            gpu_card::Filter { id, vendor_name, vendor_id, device_id, device_name, active_only };
        let (count, cards) =
            cx.db.read(move |conn| gpu_card::list(conn, &filter, &page.window())).await?;
        Ok(List::page(count, cards.into_iter().map(GpuCardView::from).collect()))
    }
}
