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
    /// whether what was decided of the instance before is listed too, the latest first; needs virtualmachineid
    history: Option<bool>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListPlacementDecisions {
    const SPEC: Spec = Spec {
        name: "listPlacementDecisions",
        about: "Lists what was decided when instances reserved their place, and why",
        since: "4.22.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<DecisionView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { virtual_machine_id, history, listing } = request;
        let (wanted, mut window) = (listing.wanted(), listing.page.window());
        let is_history = history.unwrap_or(false);
        if is_history && virtual_machine_id.is_none() {
            return Err(Error::Parameter("history needs virtualmachineid".to_owned()));
        }
        let (first, most) = (window.offset, window.limit);
        if is_history {
            (window.offset, window.limit) = (0, None);
        }
        let caller = Arc::clone(&cx.caller);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &wanted, virtual_machine_id.is_some())?;
                let (mut count, mut rows) =
                    vm::decisions(conn, &owners, virtual_machine_id, &window)?;
                if let Some(last) = rows.first().filter(|_| is_history).cloned() {
                    rows.extend(vm::decisions_before(conn, &last)?);
                    count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                    let number = |value| usize::try_from(value).unwrap_or(usize::MAX);
                    rows.drain(..number(first).min(rows.len()));
                    rows.truncate(most.map_or(usize::MAX, number));
                }
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
