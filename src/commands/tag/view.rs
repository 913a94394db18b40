//! The `tag` object.

use crate::{
    command::{OwnerFields, prelude::*},
    domain::{ObjectType, identity::shown_path},
    store::tag::Tag,
};

/// A tag of a thing.
#[derive(Debug, View)]
#[view(object = "tag")]
pub struct TagView {
    /// the key of the tag
    key: String,
    /// the value of the tag
    value: String,
    /// the type of the resource that has it
    resource_type: String,
    /// the ID of the resource that has it
    resource_id: Id<ObjectType>,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the owner's domain
    domain_id: Id<id::Domain>,
    /// the name of the owner's domain
    domain: String,
    /// the path of the owner's domain
    domain_path: String,
    /// what the tag is used for by who wrote it
    customer: Option<String>,
}

impl From<Tag> for TagView {
    fn from(tag: Tag) -> Self {
        let Tag { key, value, kind, resource, owner, domain, customer } = tag;
        Self {
            key,
            value,
            resource_type: kind,
            resource_id: resource,
            owner: owner.into(),
            domain_id: domain.0,
            domain: domain.1,
            domain_path: shown_path(&domain.2),
            customer,
        }
    }
}

/// The tags of one thing, as the thing shows them.
pub fn views(tags: Option<Vec<Tag>>) -> Vec<TagView> {
    tags.unwrap_or_default().into_iter().map(TagView::from).collect()
}
