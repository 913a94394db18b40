//! `listZones`: the zones, how many GPUs they have, and on demand all their capacities.

use super::view::ZoneView;
use crate::{
    command::{TagFilter, prelude::*},
    commands::{annotation::view::annotated, capacity::view::CapacityView},
    store::{capacity, gpu_count, zone},
};

/// `listZones`.
#[derive(Debug)]
pub(super) struct ListZones;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    id: Option<Id<id::Zone>>,
    /// the IDs of the zones
    ids: Vec<Id<id::Zone>>,
    /// true to list only zones in which the caller may place instances
    available: Option<bool>,
    /// the name of the zone
    name: Option<String>,
    /// the network type of the zone
    network_type: Option<String>,
    /// true to show the capacities too
    show_capacities: Option<bool>,
    #[param(group)]
    tags: TagFilter,
    #[param(group)]
    page: Page,
}

impl Command for ListZones {
    const SPEC: Spec = Spec {
        name: "listZones",
        about: "Lists the zones",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ZoneView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, mut ids, available, name, network_type, .. } = request;
        if !request.tags.0.is_empty() {
            return Ok(List::whole(Vec::new())); // nothing tags a zone
        }
        let (show_capacities, page) = (request.show_capacities, request.page);
        ids.extend(id);
        let is_admin = cx.caller.is_admin();
        let enabled_only = available == Some(true) || !is_admin;
        let show_capacities = show_capacities == Some(true) && is_admin;
        let filter = zone::Filter { ids, name, network_type, enabled_only };
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, zones) = zone::list(conn, &filter, &page.window())?;
                Ok((count, views(conn, zones, show_capacities)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}

fn views(conn: &mut Conn, zones: Vec<zone::Zone>, capacities: bool) -> Result<Vec<ZoneView>> {
    let ids: Vec<Id<id::Zone>> = zones.iter().map(|zone| zone.id).collect();
    let gpus = gpu_count::by_part(conn, &ids)?;
    let mut sums = match capacities {
        true => Some(capacity::sums_with(conn, &ids, &gpus)?),
        false => None,
    };
    let view = |zone: zone::Zone| {
        let id = zone.id;
        let view = ZoneView::new(zone, gpus.get(&id).copied().unwrap_or_default());
        match &mut sums {
            None => view,
            Some(sums) => {
                view.with_capacity(CapacityView::inside(sums.remove(&id).unwrap_or_default()))
            }
        }
    };
    annotated(conn, zones.into_iter().map(view))
}
