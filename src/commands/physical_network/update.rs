//! `updatePhysicalNetwork`: whether networks may be made on it, and what is written down of it.

use super::view::PhysicalNetworkView;
use crate::{
    command::prelude::*,
    domain::infra::{Switch, by_word},
    store::physical_network,
};

/// `updatePhysicalNetwork`.
#[derive(Debug)]
pub(super) struct UpdatePhysicalNetwork;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the physical network
    id: Id<id::PhysicalNetwork>,
    /// its speed; written down only
    network_speed: Option<String>,
    /// the tags of the physical network
    tags: Vec<String>,
    /// whether networks may be made on it: Enabled or Disabled
    state: Option<String>,
    /// the VLANs of the physical network; written down only
    vlan: Option<String>,
}

impl ImmediateCommand for UpdatePhysicalNetwork {
    const SPEC: Spec = Spec {
        name: "updatePhysicalNetwork",
        about: "Changes a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("PHYSICAL.NETWORK.UPDATE"),
    };
    type Request = Request;
    type Subject = id::PhysicalNetwork;
    type Response = One<PhysicalNetworkView>;

    fn change(
        tx: &mut Tx<'_>,
        _: &Caller,
        request: &Request,
    ) -> Result<Changed<id::PhysicalNetwork>> {
        let state = request.state.as_deref().filter(|text| !text.is_empty());
        let bad =
            |text: &str| Error::Invalid(format!("state {text} is neither Enabled nor Disabled"));
        let state =
            state.map(|text| by_word(Switch::ALL, text).ok_or_else(|| bad(text))).transpose()?;
        let changes = physical_network::Changes {
            state,
            vlan: request.vlan.clone(),
            speed: request.network_speed.clone(),
            tags: Some(request.tags.join(",")).filter(|text| !text.is_empty()),
        };
        physical_network::change(tx, request.id, &changes)?;
        Ok(Changed::known(request.id))
    }

    async fn tell(cx: &Cx, id: Id<id::PhysicalNetwork>) -> Result<Self::Response> {
        Ok(One(cx.db.read(move |conn| physical_network::get(conn, id)).await?.into()))
    }
}
