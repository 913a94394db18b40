//! The `vgpuprofile` object.

use crate::{command::prelude::*, store::vgpu_profile::Listed};

/// A vGPU profile.
#[derive(Debug, View)]
#[view(object = "vgpuprofile")]
pub struct VgpuProfileView {
    /// the description of the vGPU profile
    description: Option<String>,
    /// the ID of the GPU card
    gpu_card_id: Id<id::GpuCard>,
    /// the display name of the GPU card
    gpu_card_name: String,
    /// the most devices of the profile on one physical GPU
    max_vgpu_per_physical_gpu: Option<i64>,
    /// the video memory in MiB
    video_ram: Option<i64>,
    /// the most displays
    max_heads: Option<i64>,
    /// the width of the largest display
    max_resolution_x: Option<i64>,
    /// the height of the largest display
    max_resolution_y: Option<i64>,
    /// the ID of the vGPU profile
    id: Id<id::VgpuProfile>,
    /// the PCI device ID of the card
    device_id: String,
    /// the name of the hardware
    device_name: String,
    /// the name of the vGPU profile
    name: String,
    /// the name of the vendor
    vendor_name: String,
    /// the PCI vendor ID of the card
    vendor_id: String,
    /// how the profile consumes its card: Passthrough, VirtualFunction, Mediated or Mig
    kind: &'static str,
}

impl From<Listed> for VgpuProfileView {
    fn from(listed: Listed) -> Self {
        let Listed { profile, card } = listed;
        Self {
            description: profile.description,
            gpu_card_id: card.id,
            gpu_card_name: card.name,
            max_vgpu_per_physical_gpu: profile.max_per_gpu,
            video_ram: profile.video_ram,
            max_heads: profile.max_heads,
            max_resolution_x: profile.max_resolution_x,
            max_resolution_y: profile.max_resolution_y,
            id: profile.id,
            device_id: card.device_id,
            device_name: card.device_name,
            name: profile.name,
            vendor_name: card.vendor_name,
            vendor_id: card.vendor_id,
            kind: profile.kind.as_str(),
        }
    }
}
