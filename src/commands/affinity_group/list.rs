//! `listAffinityGroups`: the affinity groups that the caller may see, with their instances.

use super::view::AffinityGroupView;
use crate::{
    command::prelude::*,
    store::{
        affinity_group::{self, Filter},
        owner,
    },
};
use std::sync::Arc;

/// `listAffinityGroups`.
#[derive(Debug)]
pub(super) struct ListAffinityGroups;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the affinity group
    name: Option<String>,
    /// the ID of an instance that is in it
    virtual_machine_id: Option<Id<id::Vm>>,
    /// the ID of the affinity group
    id: Option<Id<id::AffinityGroup>>,
    /// the type of the affinity group
    r#type: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListAffinityGroups {
    const SPEC: Spec = Spec {
        name: "listAffinityGroups",
        about: "Lists affinity groups",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<AffinityGroupView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, virtual_machine_id, id, r#type, listing } = request;
        let (wanted, window) = (listing.wanted(), listing.page.window());
        let filter = Filter { id, name, kind: r#type, vm: virtual_machine_id };
        let is_named = filter.id.is_some() || filter.vm.is_some();
        let caller = Arc::clone(&cx.caller);
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &wanted, is_named)?;
                affinity_group::list(conn, &owners, &filter, &window)
            })
            .await?;
        Ok(List::page(count, rows.into_iter().map(AffinityGroupView::from).collect()))
    }
}
