//! The `diskoffering` object.

use crate::{
    command::prelude::*,
    commands::annotation::view::{HasAnnotations, annotated_view},
    domain::Time,
    store::disk_offering::DiskOffering,
};

/// A disk offering.
#[derive(Debug, View)]
#[view(object = "diskoffering")]
pub struct DiskOfferingView {
    /// the ID of the disk offering
    id: Id<id::DiskOffering>,
    /// the name of the disk offering
    name: String,
    /// whether it can be used
    state: String,
    /// the description of the disk offering
    display_text: String,
    /// the size of its disks in GB
    disk_size: i64,
    /// when the disk offering was made
    created: Date,
    /// whether the size is chosen with each disk
    is_customized: bool,
    /// whether the speed is chosen with each disk
    is_customized_iops: bool,
    /// the tags that storage pools must have
    tags: Option<String>,
    /// where its disks may lie
    storage_type: &'static str,
    /// how its disks are laid out
    provisioning_type: &'static str,
    /// whether users see it
    display_offering: bool,
    /// whether the size of its disks is fixed
    disk_size_strictness: bool,
    /// whether its disks are encrypted
    encrypt: bool,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(DiskOfferingView, id::DiskOffering);

impl From<(DiskOffering, Time)> for DiskOfferingView {
    fn from((offering, created): (DiskOffering, Time)) -> Self {
        Self {
            id: offering.id,
            name: offering.name,
            state: offering.state,
            display_text: offering.display_text,
            disk_size: offering.size >> 30,
            created: Date(created),
            is_customized: offering.is_customized,
            is_customized_iops: false,
            tags: offering.tags,
            storage_type: "shared",
            provisioning_type: "thin",
            display_offering: true,
            disk_size_strictness: false,
            encrypt: false,
            has_annotations: HasAnnotations::default(),
        }
    }
}
