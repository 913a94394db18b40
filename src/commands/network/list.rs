//! `listNetworks`: one's own networks and those that everyone may use.

use super::view::{NetworkView, views};
use crate::{
    command::{TagFilter, prelude::*},
    store::{network, owner},
};

/// `listNetworks`.
#[derive(Debug)]
pub(super) struct ListNetworks;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the network
    id: Option<Id<id::Network>>,
    /// the name of the network
    name: Option<String>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the kind of network: Isolated, Shared or L2
    r#type: Option<String>,
    /// true to list the service's own networks, of which there are none
    is_system: Option<bool>,
    /// who may use the network
    acl_type: Option<String>,
    /// what travels on the network
    traffic_type: Option<String>,
    /// the ID of the physical network
    physical_network_id: Option<Id<id::PhysicalNetwork>>,
    /// the services that the network must have
    supported_services: Vec<String>,
    /// true to list only networks that must be restarted, of which there are none
    restart_required: Option<bool>,
    /// true to list only networks that a range must be named for
    specify_ip_ranges: Option<bool>,
    /// true to list only networks that instances can be placed in; that is all of them
    can_use_for_deploy: Option<bool>,
    /// true to list only networks of VPCs, of which there are none
    for_vpc: Option<bool>,
    /// the ID of the network offering
    network_offering_id: Option<Id<id::NetworkOffering>>,
    /// account: only one's own; shared: only others'; all
    network_filter: Option<String>,
    #[param(group)]
    tags: TagFilter,
    #[param(group)]
    listing: Listing,
}

impl Command for ListNetworks {
    const SPEC: Spec = Spec {
        name: "listNetworks",
        about: "Lists the networks",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<NetworkView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        if is_empty_by_nature(&request) {
            return Ok(List::whole(Vec::new()));
        }
        let caller = std::sync::Arc::clone(&cx.caller);
        let listing = request.listing.clone();
        let (count, views) = cx
            .db
            .read(move |conn| {
                let wanted = listing.wanted();
                let owners = owner::owners(conn, &caller, &wanted, request.id.is_some())?;
                let own_only = request.network_filter.as_deref() == Some("account");
                let shared_in = match (listing.account.is_none() && !own_only, listing.domain) {
                    (false, _) => Vec::new(),
                    (true, None) => owner::above(conn, &caller.domain_path)?,
                    (true, Some(home)) => {
                        let path = owner::path(conn, home)?;
                        owner::above(conn, &path)?
                    }
                };
                let mut guest_type = request.r#type.clone();
                if request.specify_ip_ranges == Some(true) {
                    guest_type = Some("Shared".to_owned());
                }
                let filter = network::Filter {
                    owners,
                    shared_in,
                    id: request.id,
                    name: request.name.clone(),
                    zone: request.zone_id,
                    guest_type,
                    acl_type: request.acl_type.clone(),
                    physical_network: request.physical_network_id,
                    offering: request.network_offering_id,
                    tags: request.tags.0.clone(),
                };
                let (count, rows) = network::list(conn, &filter, &listing.page.window())?;
                Ok((count, views(conn, rows)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}

/// Whether the request asks for something that no network of ours can be.
fn is_empty_by_nature(request: &Request) -> bool {
    let had = ["UserData", "Dns", "Dhcp", "SourceNat"];
    let other_traffic = request.traffic_type.as_deref();
    let lacks = |name: &String| !had.iter().any(|own| own.eq_ignore_ascii_case(name));
    let _ = request.can_use_for_deploy;
    request.is_system == Some(true)
        || request.restart_required == Some(true)
        || request.for_vpc == Some(true)
        || other_traffic.is_some_and(|kind| !kind.eq_ignore_ascii_case("Guest"))
        || request.supported_services.iter().any(lacks)
}
