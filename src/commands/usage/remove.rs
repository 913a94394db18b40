//! `removeRawUsageRecords`: forgets what ended long ago.

use crate::{command::prelude::*, store::usage};

/// `removeRawUsageRecords`.
#[derive(Debug)]
pub(super) struct RemoveRawUsageRecords;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// usage that ended more than so many days ago is removed
    interval: i32,
}

impl Command for RemoveRawUsageRecords {
    const SPEC: Spec = Spec {
        name: "removeRawUsageRecords",
        about: "Removes the records of usage that ended so many days ago",
        since: "4.6.0",
        roles: Role::ADMIN,
        event: Some("USAGE.REMOVE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let days = u32::try_from(request.interval).ok().filter(|days| (1..=36_500).contains(days));
        let days = days.ok_or_else(|| {
            Error::Invalid(format!("interval {} is not between 1 and 36500 days", request.interval))
        })?;
        cx.write(move |tx, _| Ok((None, usage::forget(tx, days)?))).await?;
        Ok(Success::YES)
    }
}
