//! The `gpucard` object.

use crate::{command::prelude::*, store::gpu_card::Card};

/// A GPU card.
#[derive(Debug, View)]
#[view(object = "gpucard")]
pub struct GpuCardView {
    /// the ID of the GPU card
    id: Id<id::GpuCard>,
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
}

impl From<Card> for GpuCardView {
    fn from(card: Card) -> Self {
        let Card { id, vendor_id, device_id, vendor_name, device_name, name } = card;
        Self { id, device_id, device_name, name, vendor_name, vendor_id }
    }
}
