//! The `imagestore` object.

use crate::{
    command::prelude::*,
    commands::annotation::view::{HasAnnotations, annotated_view},
    store::image_store::ImageStore,
};

/// An image store.
#[derive(Debug, View)]
#[view(object = "imagestore")]
pub struct ImageStoreView {
    /// the ID of the image store
    id: Id<id::ImageStore>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the name of the zone
    zone_name: Option<String>,
    /// the name of the image store
    name: String,
    /// where the image store is
    url: String,
    /// how the image store is reached
    protocol: &'static str,
    /// who provides the image store
    provider_name: String,
    /// who the image store is for
    scope: &'static str,
    /// whether it takes no new templates
    read_only: bool,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(ImageStoreView, id::ImageStore);

impl From<(ImageStore, Option<String>)> for ImageStoreView {
    fn from((store, zone_name): (ImageStore, Option<String>)) -> Self {
        Self {
            id: store.id,
            scope: if store.zone_id.is_some() { "ZONE" } else { "REGION" },
            zone_id: store.zone_id,
            zone_name,
            name: store.name,
            url: format!("file://{}", store.path),
            protocol: "file",
            provider_name: store.provider,
            read_only: false,
            has_annotations: HasAnnotations::default(),
        }
    }
}
