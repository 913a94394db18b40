//! `queryAsyncJobResult`: where a job is, and its result.

use super::view::JobView;
use crate::{command::prelude::*, store::job};

/// `queryAsyncJobResult`.
#[derive(Debug)]
pub(super) struct QueryAsyncJobResult;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the job
    job_id: Id<id::Job>,
}

impl Command for QueryAsyncJobResult {
    const SPEC: Spec = Spec {
        name: "queryAsyncJobResult",
        about: "Tells where a job is, and its result when it has ended",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = crate::command::Flat<JobView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { job_id } = request;
        let found = cx.db.read(move |conn| job::get(conn, job_id)).await?;
        let found = found.ok_or_else(|| Error::NotFound { what: "job", id: job_id.to_string() })?;
        Ok(crate::command::Flat(found.into()))
    }
}
