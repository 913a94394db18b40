//! `listVolumes`: the disks that the caller may see.

use super::view::VolumeView;
use crate::{
    command::{TagFilter, prelude::*},
    store::{
        owner,
        volume::{self, Filter},
    },
};
use std::sync::Arc;

/// `listVolumes`.
#[derive(Debug)]
pub(super) struct ListVolumes;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the volume
    id: Option<Id<id::Volume>>,
    /// the IDs of volumes, joined by commas
    #[param(since = "4.9")]
    ids: Vec<Id<id::Volume>>,
    /// the name of the volume
    name: Option<String>,
    /// ROOT or DATADISK
    r#type: Option<String>,
    /// the ID of the instance
    virtual_machine_id: Option<Id<id::Vm>>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the ID of the storage pool
    #[param(since = "4.3", admin)]
    storage_id: Option<Id<id::StoragePool>>,
    /// the state of the volume
    state: Option<String>,
    /// whether to answer with the count alone
    retrieve_only_resource_count: Option<bool>,
    #[param(group)]
    tags: TagFilter,
    #[param(group)]
    listing: Listing,
}

impl Command for ListVolumes {
    const SPEC: Spec = Spec {
        name: "listVolumes",
        about: "Lists volumes",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<VolumeView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let count_only = request.retrieve_only_resource_count.unwrap_or(false);
        let (wanted, window) = (request.listing.wanted(), request.listing.page.window());
        let filter = Filter {
            ids: request.ids.into_iter().chain(request.id).collect(),
            name: request.name,
            kind: request.r#type.map(|kind| kind.to_uppercase()),
            vm: request.virtual_machine_id,
            zone: request.zone_id,
            pool: request.storage_id,
            state: request.state,
            tags: request.tags.0,
        };
        // an instance was looked up under the caller's scope: its volumes may be seen without further words
        let is_named = !filter.ids.is_empty() || filter.vm.is_some();
        let caller = Arc::clone(&cx.caller);
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &wanted, is_named)?;
                volume::list(conn, &owners, &filter, &window)
            })
            .await?;
        let rows = if count_only { Vec::new() } else { rows };
        Ok(List::page(count, rows.into_iter().map(VolumeView::from).collect()))
    }
}
