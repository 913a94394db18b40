//! `createPhysicalNetwork`: a new physical network of a zone.

use super::view::PhysicalNetworkView;
use crate::{
    command::prelude::*,
    domain::infra::Switch,
    store::{physical_network, zone},
};
use serde::{Deserialize, Serialize};

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

/// What its job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) id: Id<id::PhysicalNetwork>,
}

impl AsyncCommand for CreatePhysicalNetwork {
    const SPEC: Spec = Spec {
        name: "createPhysicalNetwork",
        about: "Creates a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("PHYSICAL.NETWORK.CREATE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<PhysicalNetworkView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
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
        Ok(Admitted {
            plan: Plan { id: new.id },
            subject: Some((Kind::PhysicalNetwork, new.id.uuid())),
            created: Some(new.id.uuid()),
            describe: Some(format!("creating physical network {}", new.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        let id = plan.id;
        Ok(One(cx.db.read(move |conn| physical_network::get(conn, id)).await?.into()))
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
