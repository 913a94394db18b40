//! `createPhysicalNetwork`: a new physical network of a zone.

use super::view::PhysicalNetworkView;
use crate::{
    command::prelude::*,
    domain::infra::Switch,
    store::{physical_network, zone},
};

/// `createPhysicalNetwork`.
#[derive(Debug)]
pub(super) struct CreatePhysicalNetwork;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the VLANs of the physical network; written down only
    vlan: Option<String>,
    /// its speed; written down only
    network_speed: Option<String>,
    /// how far broadcasts go: ZONE
    broadcast_domain_range: Option<String>,
    /// the tags of the physical network
    tags: Vec<String>,
    /// how networks are separated; written down only
    isolation_methods: Vec<String>,
    /// the name of the physical network
    name: String,
}

impl ImmediateCommand for CreatePhysicalNetwork {
    const SPEC: Spec = Spec {
        name: "createPhysicalNetwork",
        about: "Creates a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("PHYSICAL.NETWORK.CREATE"),
    };
    type Request = Request;
    type Subject = id::PhysicalNetwork;
    type Response = One<PhysicalNetworkView>;

    fn change(
        tx: &mut Tx<'_>,
        _: &Caller,
        request: &Request,
    ) -> Result<Changed<id::PhysicalNetwork>> {
        zone::hold(tx, request.zone_id)?;
        let range = request.broadcast_domain_range.as_deref().filter(|text| !text.is_empty());
        if range.is_some_and(|text| !text.eq_ignore_ascii_case("ZONE")) {
            return Err(Error::invalid("broadcastdomainrange: only ZONE is supported"));
        }
        let joined = |list: &Vec<String>| Some(list.join(",")).filter(|text| !text.is_empty());
        let new = physical_network::PhysicalNetwork {
            id: Id::mint(),
            zone_id: request.zone_id,
            name: request.name.clone(),
            state: Switch::Disabled,
            vlan: request.vlan.clone(),
            speed: request.network_speed.clone(),
            tags: joined(&request.tags),
            isolation_methods: joined(&request.isolation_methods),
        };
        physical_network::insert(tx, &new)?;
        Ok(Changed::created(new.id).described(format!("creating physical network {}", new.name)))
    }

    async fn tell(cx: &Cx, id: Id<id::PhysicalNetwork>) -> Result<Self::Response> {
        Ok(One(cx.db.read(move |conn| physical_network::get(conn, id)).await?.into()))
    }
}
