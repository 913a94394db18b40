//! `listAsyncJobs`: the jobs that are not finished.

use super::view::JobView;
use crate::{command::prelude::*, store::job};

/// `listAsyncJobs`.
#[derive(Debug)]
pub(super) struct ListAsyncJobs;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    listing: Listing,
}

impl Command for ListAsyncJobs {
    const SPEC: Spec = Spec {
        name: "listAsyncJobs",
        about: "Lists the jobs that have not ended",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<JobView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { listing } = request;
        let scope = cx.caller.list_scope(listing.list_all);
        let (count, jobs) =
            cx.db.read(move |conn| job::unfinished(conn, &scope, &listing.page.window())).await?;
        Ok(List::page(count, jobs.into_iter().map(JobView::from).collect()))
    }
}
