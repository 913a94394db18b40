//! `createGpuCard`: makes a hardware model known before a host shows it.

use super::view::GpuCardView;
use crate::{
    command::prelude::*,
    domain::{catalogue, gpu::profile::MOST_MEMORY_MIB},
    store::gpu_card,
};

/// `createGpuCard`.
#[derive(Debug)]
pub(super) struct CreateGpuCard;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the PCI device ID, four hexadecimal digits
    device_id: String,
    /// the name of the hardware
    device_name: String,
    /// the display name of the GPU card
    name: String,
    /// the name of the vendor
    vendor_name: String,
    /// the PCI vendor ID, four hexadecimal digits
    vendor_id: String,
    /// the video memory of the whole card in MiB
    video_ram: Option<i64>,
}

impl Command for CreateGpuCard {
    const SPEC: Spec = Spec {
        name: "createGpuCard",
        about: "Creates a GPU card with its passthrough profile",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.CARD.CREATE"),
    };
    type Request = Request;
    type Response = One<GpuCardView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { device_id, device_name, name, vendor_name, vendor_id, video_ram } = request;
        let card = gpu_card::Card {
            id: Id::mint(),
            vendor_id: hex_id("vendor", &vendor_id)?,
            device_id: hex_id("device", &device_id)?,
            vendor_name,
            device_name,
            name,
        };
        for (what, text) in [
            ("devicename", &card.device_name),
            ("name", &card.name),
            ("vendorname", &card.vendor_name),
        ] {
            if text.trim().is_empty() {
                return Err(Error::Invalid(format!(
                    "Failed to create GPU card: {what} cannot be blank"
                )));
            }
        }
        match video_ram {
            Some(..0) => {
                return Err(Error::invalid(
                    "Failed to create GPU card: videoram cannot be negative",
                ));
            }
            Some(mib) if mib > MOST_MEMORY_MIB => {
                return Err(Error::Invalid(format!(
                    "Failed to create GPU card: videoram cannot be more than {MOST_MEMORY_MIB}"
                )));
            }
            _ => {}
        }
        let video_ram = video_ram.or_else(|| known_memory(&card));
        let made = card.clone();
        cx.write(move |tx, _| {
            gpu_card::insert(tx, &made, video_ram)?;
            Ok((Some((Kind::GpuCard, made.id.uuid())), ()))
        })
        .await?;
        Ok(One(card.into()))
    }
}

/// The memory of a card that the catalogue knows.
fn known_memory(card: &gpu_card::Card) -> Option<i64> {
    let id = |text: &str| u16::from_str_radix(text, 16).ok();
    let known = catalogue::card(id(&card.vendor_id)?, id(&card.device_id)?)?;
    known.memory_mib.and_then(|mib| i64::try_from(mib).ok())
}

/// A PCI id: four hexadecimal digits, kept in lower case.
fn hex_id(what: &str, text: &str) -> Result<String> {
    if text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_lowercase());
    }
    Err(Error::Invalid(format!(
        "Failed to create GPU card: {what} ID {text} is not four hexadecimal digits"
    )))
}
