//! `listPhysicalNetworks`: the physical networks of the zones.

use super::view::PhysicalNetworkView;
use crate::{command::prelude::*, store::physical_network};

/// `listPhysicalNetworks`.
#[derive(Debug)]
pub(super) struct ListPhysicalNetworks;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the physical network
    id: Option<Id<id::PhysicalNetwork>>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the name of the physical network
    name: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListPhysicalNetworks {
    const SPEC: Spec = Spec {
        name: "listPhysicalNetworks",
        about: "Lists the physical networks",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<PhysicalNetworkView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, zone_id, name, page } = request;
        let filter = physical_network::Filter { id, zone: zone_id, name };
        let (count, rows) =
            cx.db.read(move |conn| physical_network::list(conn, &filter, &page.window())).await?;
        Ok(List::page(count, rows.into_iter().map(PhysicalNetworkView::from).collect()))
    }
}
