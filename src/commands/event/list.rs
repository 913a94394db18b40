//! `listEvents`: what happened, the newest first.

use super::view::EventView;
use crate::{
    command::{When, prelude::*},
    store::{
        event_list::{self, Filter},
        owner,
    },
};

/// `listEvents`.
#[derive(Debug)]
pub(super) struct ListEvents;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the ID of the event
    id: Option<Id<id::Event>>,
    /// only events before this day or moment, the day itself included
    end_date: Option<When>,
    /// only events of this level: INFO, WARN, ERROR
    level: Option<String>,
    /// only events from this day or moment on
    start_date: Option<When>,
    /// only events of this type
    r#type: Option<String>,
    /// this event and those of the same job that follow it
    start_id: Option<Id<id::Event>>,
    /// only events about the thing with this ID
    #[param(since = "4.17.0")]
    resource_id: Option<String>,
    /// only events about things of this kind
    #[param(since = "4.17.0")]
    resource_type: Option<String>,
    /// only events that were put away; others are listed when not given
    #[param(since = "4.19.0")]
    archived: Option<bool>,
    /// only events in this state: Scheduled, Started, Completed
    #[param(since = "4.21.0")]
    state: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListEvents {
    const SPEC: Spec = Spec {
        name: "listEvents",
        about: "Lists events, the newest first",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<EventView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let caller = cx.caller.clone();
        if request.resource_id.as_ref().is_some_and(|id| uuid::Uuid::try_parse(id).is_err()) {
            return Ok(List::whole(Vec::new())); // nothing has such an id
        }
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let Request { listing, .. } = &request;
                let is_named = request.id.is_some() || request.resource_id.is_some();
                let owners = owner::owners(conn, &caller, &listing.wanted(), is_named)?;
                let filter = Filter {
                    owners,
                    ids: request.id.into_iter().collect(),
                    kind: request.r#type.clone(),
                    level: request.level.clone(),
                    state: request.state.clone(),
                    from: request.start_date.map(When::start),
                    to: request.end_date.map(When::end),
                    start: request.start_id,
                    resource: request.resource_id.clone(),
                    resource_kind: request.resource_type.clone(),
                    archived: request.archived.unwrap_or(false),
                };
                event_list::list(conn, &filter, &listing.page.window())
            })
            .await?;
        Ok(List::page(count, rows.into_iter().map(EventView::from).collect()))
    }
}
