//! The `gpucapacity` object.

use crate::{
    command::prelude::*,
    domain::placement::{Left, Shape},
    store::placement::ProfileName,
};

/// How many instances with so many GPUs still fit.
#[derive(Debug, View)]
#[view(object = "gpushape")]
pub struct GpuShapeView {
    /// GPUs of each instance
    gpu_count: u32,
    /// how many such instances still fit
    instances: u64,
    /// how many still fit with all GPUs on one NUMA node
    instances_on_one_node: u64,
}

impl From<Shape> for GpuShapeView {
    fn from(shape: Shape) -> Self {
        Self {
            gpu_count: shape.count,
            instances: shape.anywhere,
            instances_on_one_node: shape.on_one_node,
        }
    }
}

/// What is left of one profile in one zone.
#[derive(Debug, View)]
#[view(object = "gpucapacity")]
pub struct GpuCapacityView {
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// the ID of the GPU card
    gpu_card_id: Id<id::GpuCard>,
    /// the display name of the GPU card
    gpu_card_name: String,
    /// the ID of the vGPU profile
    vgpu_profile_id: Id<id::VgpuProfile>,
    /// the name of the vGPU profile
    vgpu_profile_name: String,
    /// devices that may be taken now, on hosts that take instances
    gpu_free: u64,
    /// for 1, 2, 4 and 8 GPUs how many instances still fit; each number stands alone
    gpu_shapes: Vec<GpuShapeView>,
}

impl GpuCapacityView {
    /// What is left of a profile in a zone.
    pub fn of(zone: &(Id<id::Zone>, String), name: &ProfileName, left: Left) -> Self {
        Self {
            zone_id: zone.0,
            zone_name: zone.1.clone(),
            gpu_card_id: name.card,
            gpu_card_name: name.card_name.clone(),
            vgpu_profile_id: left.profile,
            vgpu_profile_name: name.name.clone(),
            gpu_free: left.free,
            gpu_shapes: left.shapes.into_iter().map(GpuShapeView::from).collect(),
        }
    }
}
