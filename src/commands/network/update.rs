//! `updateNetwork`: name, description and the domain of host names.

use super::{
    create::check_domain,
    delete::may_change,
    not_here::UpdateNotHere,
    view::{NetworkView, one},
};
use crate::{command::prelude::*, store::network};

/// `updateNetwork`.
#[derive(Debug)]
pub(super) struct UpdateNetwork;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the network
    id: Id<id::Network>,
    /// the name of the network
    name: Option<String>,
    /// the description of the network
    display_text: Option<String>,
    /// the domain of host names
    network_domain: Option<String>,
    /// the ID of the network offering; it cannot be changed
    network_offering_id: Option<Id<id::NetworkOffering>>,
    #[param(group)]
    _not_here: UpdateNotHere,
}

impl ImmediateCommand for UpdateNetwork {
    const SPEC: Spec = Spec {
        name: "updateNetwork",
        about: "Changes a network",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("NETWORK.UPDATE"),
    };
    type Request = Request;
    type Subject = id::Network;
    type Response = One<NetworkView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Network>> {
        let found = network::get(tx, request.id)?;
        may_change(tx, &found, caller)?;
        if request.network_offering_id.is_some_and(|id| id != found.offering_id) {
            return Err(Error::invalid("the offering of a network cannot be changed"));
        }
        let some = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let network_domain = some(&request.network_domain);
        network_domain.as_deref().map_or(Ok(()), check_domain)?;
        let (name, display_text) = (some(&request.name), some(&request.display_text));
        let changes = network::Changes { name, display_text, network_domain };
        network::change(tx, request.id, &changes)?;
        Ok(Changed::known(request.id).described(format!("updating network {}", found.name)))
    }

    async fn tell(cx: &Cx, id: Id<id::Network>) -> Result<Self::Response> {
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }
}
