//! `updateGpuCard`: other names for a hardware model.

use super::view::GpuCardView;
use crate::{command::prelude::*, store::gpu_card};

/// `updateGpuCard`.
#[derive(Debug)]
pub(super) struct UpdateGpuCard;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU card
    id: Id<id::GpuCard>,
    /// the name of the hardware
    device_name: Option<String>,
    /// the display name of the GPU card
    name: Option<String>,
    /// the name of the vendor
    vendor_name: Option<String>,
}

impl Command for UpdateGpuCard {
    const SPEC: Spec = Spec {
        name: "updateGpuCard",
        about: "Changes the names of a GPU card",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.CARD.EDIT"),
    };
    type Request = Request;
    type Response = One<GpuCardView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, device_name, name, vendor_name } = request;
        for (what, text) in
            [("devicename", &device_name), ("name", &name), ("vendorname", &vendor_name)]
        {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(Error::Invalid(format!(
                    "Failed to update GPU card: {what} cannot be blank"
                )));
            }
        }
        let change = gpu_card::Change { vendor_name, device_name, name };
        let card = cx
            .write(move |tx, _| {
                gpu_card::change(tx, id, &change)?;
                Ok((Some((Kind::GpuCard, id.uuid())), gpu_card::get(tx, id)?))
            })
            .await?;
        Ok(One(card.into()))
    }
}
