//! `deleteAlerts`: removes alerts, by id, type or time.

use super::Choice;
use crate::{command::prelude::*, store::alert_list};

/// `deleteAlerts`.
#[derive(Debug)]
pub(super) struct DeleteAlerts;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    choice: Choice,
}

impl Command for DeleteAlerts {
    const SPEC: Spec = Spec {
        name: "deleteAlerts",
        about: "Removes alerts for good",
        since: "0.1",
        roles: Role::ADMIN,
        event: Some("ALERT.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { choice } = request;
        let filter = choice.filter()?;
        cx.write(move |tx, _| {
            alert_list::remove(tx, &filter)?;
            Ok((None, ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
