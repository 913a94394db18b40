//! The `resourcedetail` object.

use crate::{command::prelude::*, domain::ObjectType, store::detail::Detail};

/// A detail of a thing.
#[derive(Debug, View)]
#[view(object = "resourcedetail")]
pub(super) struct ResourceDetailView {
    /// the ID of the resource
    resource_id: Id<ObjectType>,
    /// the type of the resource
    resource_type: &'static str,
    /// the name of the detail
    key: String,
    /// its value
    value: String,
    /// whether users see it
    for_display: bool,
}

impl ResourceDetailView {
    /// A detail of a thing of this type.
    pub(super) fn new(of: &'static ObjectType, detail: Detail) -> Self {
        let Detail { owner, name, value, for_display } = detail;
        Self { resource_id: owner, resource_type: of.name, key: name, value, for_display }
    }
}
