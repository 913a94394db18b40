//! The `domain` object.

use crate::{
    command::prelude::*,
    commands::{
        annotation::view::{HasAnnotations, annotated_view},
        limit::view::Limits,
    },
    domain::identity::shown_path,
    store::identity,
};

/// A domain.
#[derive(Debug, View)]
#[view(object = "domain")]
pub struct DomainView {
    /// the ID of the domain
    id: Id<id::Domain>,
    /// the name of the domain
    name: String,
    /// how many domains are above it
    level: i32,
    /// the ID of the domain above it
    parent_domain_id: Option<Id<id::Domain>>,
    /// whether there are domains below it
    has_child: bool,
    /// the path of the domain
    path: String,
    #[view(group)]
    limits: Limits,
    /// the state of the domain
    state: &'static str,
    /// when the domain was made
    created: Date,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(DomainView, id::Domain);

impl DomainView {
    /// A domain, whether there are domains below it, and what it has and may have.
    pub fn new(domain: identity::Domain, has_child: bool, limits: Limits) -> Self {
        let level = domain.path.matches('/').count().saturating_sub(1);
        Self {
            id: domain.id,
            name: domain.name,
            level: i32::try_from(level).unwrap_or(i32::MAX),
            parent_domain_id: domain.parent_id,
            has_child,
            path: shown_path(&domain.path),
            limits,
            state: "Active",
            created: domain.created.into(),
            has_annotations: HasAnnotations::default(),
        }
    }
}
