//! The `serviceoffering` object.

use crate::{
    command::prelude::*,
    commands::annotation::view::{HasAnnotations, annotated_view},
    domain::identity::shown_path,
    store::service_offering::Listed,
};

/// A service offering.
#[derive(Debug, View)]
#[view(object = "serviceoffering")]
pub struct ServiceOfferingView {
    /// the ID of the service offering
    id: Id<id::ServiceOffering>,
    /// the name of the service offering
    name: String,
    /// Active, or Inactive when no new instance may use it
    state: String,
    /// the description of the service offering
    display_text: String,
    /// the number of CPUs; absent when the instance says
    cpu_number: Option<i32>,
    /// the CPU speed in MHz
    cpu_speed: Option<i32>,
    /// the memory in MiB; absent when the instance says
    memory: Option<i32>,
    /// when the service offering was created
    created: Date,
    /// the kind of storage: shared or local
    storage_type: String,
    /// how disks are provisioned: thin
    provisioning_type: &'static str,
    /// whether instances ask for high availability
    offer_ha: bool,
    /// whether instances are limited to the CPU speed
    limit_cpu_use: bool,
    /// whether root disks are made anew at each start
    is_volatile: bool,
    /// the storage tags, joined by commas
    storage_tags: Option<String>,
    /// the ID of the domain that may use it
    domain_id: Option<Id<id::Domain>>,
    /// the path of the domain that may use it
    domain: Option<String>,
    /// the ID of the zone it is for
    zone_id: Option<Id<id::Zone>>,
    /// the name of the zone it is for
    zone: Option<String>,
    /// the host tags, joined by commas
    host_tags: Option<String>,
    /// whether it is for system instances
    is_system: bool,
    /// whether it is a default offering for system instances
    default_use: bool,
    /// the details of the service offering
    service_offering_details: Option<BTreeMap<String, String>>,
    /// whether the instance says its size
    is_customized: bool,
    /// the size of the root disk in GiB; 0 means the template's
    root_disk_size: i64,
    /// whether instances may be scaled while they run
    dynamic_scaling_enabled: bool,
    /// whether instances are bound to the disk offering
    disk_offering_strictness: bool,
    /// whether root disks are encrypted
    encrypt_root: bool,
    /// the ID of the GPU card
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the name of the GPU card
    gpu_card_name: Option<String>,
    /// the ID of the vGPU profile
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the name of the vGPU profile
    vgpu_profile_name: Option<String>,
    /// the video memory in MiB
    video_ram: Option<i64>,
    /// the number of heads
    max_heads: Option<i64>,
    /// the horizontal resolution
    max_resolution_x: Option<i64>,
    /// the vertical resolution
    max_resolution_y: Option<i64>,
    /// the number of GPUs
    gpu_count: Option<i32>,
    /// whether the first GPU shows a display
    gpu_display: Option<bool>,
    /// the ID of the GPU offering
    gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// the name of the GPU offering
    gpu_offering_name: Option<String>,
    /// whether the service offering has annotations
    has_annotations: HasAnnotations,
}

annotated_view!(ServiceOfferingView, id::ServiceOffering);

impl From<Listed> for ServiceOfferingView {
    fn from(listed: Listed) -> Self {
        let Listed { offering, created, profile, domain, zone, gpu_offering, details } = listed;
        let (profile, card) = profile.unzip();
        let facts = profile.as_ref();
        Self {
            id: offering.id,
            name: offering.name,
            state: offering.state,
            display_text: offering.display_text,
            cpu_number: offering.cpu_number,
            cpu_speed: offering.cpu_speed,
            memory: offering.memory_mib,
            created: created.into(),
            storage_type: offering.storage_type,
            provisioning_type: "thin",
            offer_ha: offering.offer_ha,
            limit_cpu_use: offering.limit_cpu,
            is_volatile: false,
            storage_tags: offering.storage_tags,
            domain_id: offering.domain_id,
            domain: domain.map(|(_, path)| shown_path(&path)),
            zone_id: offering.zone_id,
            zone,
            host_tags: offering.host_tags,
            is_system: false,
            default_use: false,
            service_offering_details: Some(details).filter(|details| !details.is_empty()),
            is_customized: offering.is_customized,
            root_disk_size: offering.root_disk_size.unwrap_or(0) >> 30,
            dynamic_scaling_enabled: false,
            disk_offering_strictness: false,
            encrypt_root: false,
            gpu_card_id: facts.map(|profile| profile.card_id),
            gpu_card_name: card,
            vgpu_profile_id: facts.map(|profile| profile.id),
            video_ram: facts.and_then(|profile| profile.video_ram),
            max_heads: facts.and_then(|profile| profile.max_heads),
            max_resolution_x: facts.and_then(|profile| profile.max_resolution_x),
            max_resolution_y: facts.and_then(|profile| profile.max_resolution_y),
            vgpu_profile_name: profile.map(|profile| profile.name),
            gpu_count: offering.gpu_count,
            gpu_display: Some(offering.gpu_display),
            gpu_offering_id: offering.gpu_offering_id,
            gpu_offering_name: gpu_offering,
            has_annotations: HasAnnotations::default(),
        }
    }
}
