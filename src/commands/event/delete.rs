//! `deleteEvents`: removes events, by id, type or time.

use super::{Choice, chosen};
use crate::{command::prelude::*, store::event_list};

/// `deleteEvents`.
#[derive(Debug)]
pub(super) struct DeleteEvents;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    choice: Choice,
}

impl Command for DeleteEvents {
    const SPEC: Spec = Spec {
        name: "deleteEvents",
        about: "Removes events for good",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("EVENT.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { choice } = request;
        cx.write(move |tx, caller| {
            let filter = chosen(tx, caller, &choice)?;
            event_list::remove(tx, &filter)?;
            Ok((None, ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
