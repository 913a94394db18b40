//! `archiveEvents`: puts events away, by id, type or time.

use super::{Choice, chosen};
use crate::{command::prelude::*, store::event_list};

/// `archiveEvents`.
#[derive(Debug)]
pub(super) struct ArchiveEvents;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    choice: Choice,
}

impl Command for ArchiveEvents {
    const SPEC: Spec = Spec {
        name: "archiveEvents",
        about: "Puts events away: they are listed only when archived ones are asked for",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("EVENT.ARCHIVE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { choice } = request;
        cx.write(move |tx, caller| {
            let filter = chosen(tx, caller, &choice)?;
            event_list::archive(tx, &filter)?;
            Ok((None, ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
