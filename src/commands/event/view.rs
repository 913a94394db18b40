//! The `event` and `eventtype` objects.

use crate::{
    command::{OwnerFields, prelude::*},
    domain::identity::shown_path,
    store::event_list::Listed,
};

/// An event.
#[derive(Debug, View)]
#[view(object = "event")]
pub struct EventView {
    /// the ID of the event
    id: Id<id::Event>,
    /// the name of the user who caused it
    username: String,
    /// the type of the event
    r#type: String,
    /// INFO, WARN or ERROR
    level: String,
    /// what happened
    description: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the domain of the account
    domain_id: Id<id::Domain>,
    /// the name of that domain
    domain: String,
    /// the path of that domain
    domain_path: String,
    /// the ID of what it is about
    resource_id: Option<String>,
    /// the kind of what it is about
    resource_type: Option<String>,
    /// when it happened
    created: Date,
    /// Scheduled, Started or Completed
    state: String,
    /// the ID of the event of the job's admission
    parent_id: Option<Id<id::Event>>,
    /// true when it was put away
    archived: Option<bool>,
}

impl From<Listed> for EventView {
    fn from(event: Listed) -> Self {
        let (resource_type, resource_id) = event.resource;
        let (domain_id, domain, path) = event.domain;
        Self {
            id: event.id,
            username: event.username,
            r#type: event.kind,
            level: event.level,
            description: event.description,
            owner: event.owner.into(),
            domain_id,
            domain,
            domain_path: shown_path(&path),
            resource_id,
            resource_type,
            created: event.created.into(),
            state: event.state,
            parent_id: event.parent,
            archived: event.archived.then_some(true),
        }
    }
}

/// A type of event.
#[derive(Debug, View)]
#[view(object = "eventtype")]
pub struct EventTypeView {
    /// the name of the type
    pub(super) name: &'static str,
}
