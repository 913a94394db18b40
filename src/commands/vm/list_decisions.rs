//! `listPlacementDecisions`: where instances were put and why; which host and what instead is for administrators.

use super::decision_view::{DecisionView, read};
use crate::{
    command::prelude::*,
    store::{owner, vm},
};
use std::sync::Arc;

/// `listPlacementDecisions`.
#[derive(Debug)]
pub(super) struct ListPlacementDecisions;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    virtual_machine_id: Option<Id<id::Vm>>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListPlacementDecisions {
    const SPEC: Spec = Spec {
        name: "listPlacementDecisions",
        about: "Lists what was decided when instances last reserved their place, and why",
        since: "4.22.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<DecisionView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { virtual_machine_id, listing } = request;
        let (wanted, window) = (listing.wanted(), listing.page.window());
        let caller = Arc::clone(&cx.caller);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &wanted, virtual_machine_id.is_some())?;
                let (count, rows) = vm::decisions(conn, &owners, virtual_machine_id, &window)?;
                let read = |row| Ok((read(&row)?, row));
                let rows: Vec<_> = rows.into_iter().map(read).collect::<Result<_>>()?;
                let mut hosts = Vec::new();
                for (decision, _) in &rows {
                    hosts.push(decision.host);
                    hosts.extend(decision.others.iter().map(|other| other.host));
                }
                let names = vm::hosts_named(conn, &hosts)?;
                let view = |(decision, row)| DecisionView::of(row, decision, &names);
                Ok((count, rows.into_iter().map(view).collect()))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
