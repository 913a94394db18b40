//! `listZones`: the zones, how many GPUs they have, and on demand all their capacities.

use super::view::ZoneView;
use crate::{
    command::prelude::*,
    commands::capacity::view::CapacityView,
    store::{
        capacity::{self, GPU, Per, Sum},
        gpu_count, zone,
    },
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
        let Request { id, mut ids, available, name, network_type, show_capacities, page } = request;
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
    let gpus = gpu_count::by_zone(conn, &ids)?;
    let gpus = |id| gpus.get(&id).copied().unwrap_or_default();
    let mut sums = None;
    if capacities {
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        sums = Some(capacity::sums(conn, Per::Zone, &texts)?);
    }
    let view = |zone: zone::Zone| {
        let (id, count) = (zone.id, gpus(zone.id));
        let view = ZoneView::new(zone, count);
        match &mut sums {
            None => view,
            Some(sums) => {
                let mut found = sums.remove(&id.to_string()).unwrap_or_default();
                found.push(Sum { kind: GPU, used: count.used, total: count.total });
                view.with_capacity(CapacityView::inside(found))
            }
        }
    };
    Ok(zones.into_iter().map(view).collect())
}
