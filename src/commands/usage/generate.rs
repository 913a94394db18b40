//! `generateUsageRecords`: the ledger is up to date by itself; only what an earlier version did meanwhile is left to add.

use crate::{
    command::{When, prelude::*},
    store::usage,
};

/// `generateUsageRecords`.
#[derive(Debug)]
pub(super) struct GenerateUsageRecords;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of a domain
    domain_id: Option<Id<id::Domain>>,
    /// the end of the time
    end_date: Option<When>,
    /// the beginning of the time
    start_date: Option<When>,
}

impl Command for GenerateUsageRecords {
    const SPEC: Spec = Spec {
        name: "generateUsageRecords",
        about: "Adds what servers of an earlier version did not record; all else is always recorded",
        since: "0.1",
        roles: Role::ADMIN,
        event: Some("USAGE.GENERATE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { domain_id, end_date, start_date } = request;
        if start_date.zip(end_date).is_some_and(|(start, end)| start.start() > end.end()) {
            return Err(Error::invalid("Incorrect Date Range. Start date is after end date"));
        }
        let about = domain_id.map(|id| (Kind::Domain, id.uuid()));
        cx.write(move |tx, _| Ok((about, usage::mend_addresses(tx)?))).await?;
        Ok(Success::YES)
    }
}
