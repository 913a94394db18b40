//! The `gpuoffering` object and its alternatives.

use crate::{
    command::prelude::*,
    store::gpu_offering::{Alternative, Listed},
};

/// One alternative of a GPU offering.
#[derive(Debug, View)]
#[view(object = "gpualternative")]
pub struct GpuAlternativeView {
    /// the ID of the GPU card
    gpu_card_id: Id<id::GpuCard>,
    /// the display name of the GPU card
    gpu_card_name: String,
    /// the ID of the vGPU profile
    vgpu_profile_id: Id<id::VgpuProfile>,
    /// the name of the vGPU profile
    vgpu_profile_name: String,
    /// how many devices of the profile
    gpu_count: i32,
    /// the video memory of one device in MiB, if it is known
    video_ram: Option<i64>,
}

impl From<Alternative> for GpuAlternativeView {
    fn from(it: Alternative) -> Self {
        Self {
            gpu_card_id: it.card,
            gpu_card_name: it.card_name,
            vgpu_profile_id: it.profile,
            vgpu_profile_name: it.profile_name,
            gpu_count: it.count,
            video_ram: it.video_ram,
        }
    }
}

/// A GPU offering.
#[derive(Debug, View)]
#[view(object = "gpuoffering")]
pub struct GpuOfferingView {
    /// the ID of the GPU offering
    id: Id<id::GpuOffering>,
    /// the name of the GPU offering
    name: String,
    /// the text that people read
    display_text: String,
    /// the acceptable devices, the best first
    gpu_alternatives: Vec<GpuAlternativeView>,
    /// whether the first device shows a display
    gpu_display: bool,
    /// whether all devices must sit on one NUMA node: required, preferred or none
    numa_policy: &'static str,
    /// whether instances are put close together or far apart: pack or spread
    placement: &'static str,
    /// the state: Active or Inactive
    state: String,
    /// the ID of the domain that may use it
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the zone it is for
    zone_id: Option<Id<id::Zone>>,
    /// when it was created
    created: Date,
}

impl From<Listed> for GpuOfferingView {
    fn from(listed: Listed) -> Self {
        let Listed { offering, created, alternatives } = listed;
        Self {
            id: offering.id,
            name: offering.name,
            display_text: offering.display_text,
            gpu_alternatives: alternatives.into_iter().map(GpuAlternativeView::from).collect(),
            gpu_display: offering.display,
            numa_policy: super::words::of_numa(offering.numa_policy),
            placement: super::words::of_packing(offering.placement),
            state: offering.state,
            domain_id: offering.domain_id,
            zone_id: offering.zone_id,
            created: created.into(),
        }
    }
}
