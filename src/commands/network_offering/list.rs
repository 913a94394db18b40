//! `listNetworkOfferings`: the kinds of network.

use super::view::NetworkOfferingView;
use crate::{command::prelude::*, commands::annotation::view::annotated, store::network_offering};

/// `listNetworkOfferings`.
#[derive(Debug)]
pub(super) struct ListNetworkOfferings;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the network offering
    id: Option<Id<id::NetworkOffering>>,
    /// the name of the network offering
    name: Option<String>,
    /// the description of the network offering
    display_text: Option<String>,
    /// what travels on the networks
    traffic_type: Option<String>,
    /// whether every cloud has the offering
    is_default: Option<bool>,
    /// whether a VLAN must be named with each network
    specify_vlan: Option<bool>,
    /// the state of the network offering
    state: Option<String>,
    /// the kind of network
    guest_ip_type: Option<String>,
    /// whether a range of addresses must be named with each network
    specify_ip_ranges: Option<bool>,
    /// true to list only offerings for VPCs, of which there are none
    for_vpc: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListNetworkOfferings {
    const SPEC: Spec = Spec {
        name: "listNetworkOfferings",
        about: "Lists the network offerings",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<NetworkOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, display_text, traffic_type, is_default, page, .. } = request;
        let elsewhere = traffic_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("Guest"));
        if elsewhere || request.for_vpc == Some(true) {
            return Ok(List::whole(Vec::new()));
        }
        let filter = network_offering::Filter {
            id,
            name,
            display_text,
            state: request.state,
            guest_type: request.guest_ip_type,
            is_default,
            specify_vlan: request.specify_vlan,
            specify_ip_ranges: request.specify_ip_ranges,
        };
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = network_offering::list(conn, &filter, &page.window())?;
                Ok((count, annotated(conn, rows.into_iter().map(NetworkOfferingView::from))?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
