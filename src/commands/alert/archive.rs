//! `archiveAlerts`: puts alerts away, by id, type or time.

use super::Choice;
use crate::{command::prelude::*, store::alert_list};

/// `archiveAlerts`.
#[derive(Debug)]
pub(super) struct ArchiveAlerts;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    choice: Choice,
}

impl Command for ArchiveAlerts {
    const SPEC: Spec = Spec {
        name: "archiveAlerts",
        about: "Puts alerts away: they are not listed any more",
        since: "0.1",
        roles: Role::ADMIN,
        event: Some("ALERT.ARCHIVE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { choice } = request;
        let filter = choice.filter()?;
        cx.write(move |tx, _| {
            alert_list::archive(tx, &filter)?;
            Ok((None, ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
