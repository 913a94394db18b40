//! `listAsyncJobs`: the jobs that are not finished.

use super::view::JobView;
use crate::{
    command::{When, prelude::*},
    store::{
        job::{self, Filter},
        owner,
    },
};
use std::sync::Arc;

/// `listAsyncJobs`.
#[derive(Debug)]
pub(super) struct ListAsyncJobs;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// only jobs admitted from this day or moment on
    start_date: Option<When>,
    /// only jobs that this server works on
    #[param(name = "managementserverid", since = "4.19")]
    server: Option<Id<id::Server>>,
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
        let Request { start_date, server, listing } = request;
        let caller = Arc::clone(&cx.caller);
        let (count, jobs) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &listing.wanted(), false)?;
                let from = start_date.map(When::start);
                let filter = Filter { owners, from, server };
                job::unfinished(conn, &filter, &listing.page.window())
            })
            .await?;
        Ok(List::page(count, jobs.into_iter().map(JobView::from).collect()))
    }
}
