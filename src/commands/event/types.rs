//! `listEventTypes`: what kinds of events there are.

use super::view::EventTypeView;
use crate::command::{prelude::*, sessions::LOGIN};

/// `listEventTypes`.
#[derive(Debug)]
pub(super) struct ListEventTypes;

/// Its parameters: none.
#[derive(Debug, Params)]
pub(super) struct Request {}

impl Command for ListEventTypes {
    const SPEC: Spec = Spec {
        name: "listEventTypes",
        about: "Lists the types of events",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<EventTypeView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request {} = request;
        let mut names: Vec<&str> =
            cx.registry.all().filter_map(|entry| entry.spec.event).chain([LOGIN]).collect();
        names.sort_unstable();
        names.dedup();
        Ok(List::whole(names.into_iter().map(|name| EventTypeView { name }).collect()))
    }
}
