//! `deletePhysicalNetwork`: refused while networks are on it.

use crate::{command::prelude::*, store::physical_network};

/// `deletePhysicalNetwork`.
#[derive(Debug)]
pub(super) struct DeletePhysicalNetwork;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the physical network
    id: Id<id::PhysicalNetwork>,
}

impl ImmediateCommand for DeletePhysicalNetwork {
    const SPEC: Spec = Spec {
        name: "deletePhysicalNetwork",
        about: "Removes a physical network that carries no networks",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("PHYSICAL.NETWORK.DELETE"),
    };
    type Request = Request;
    type Subject = id::PhysicalNetwork;
    type Response = Success;

    fn change(
        tx: &mut Tx<'_>,
        _: &Caller,
        request: &Request,
    ) -> Result<Changed<id::PhysicalNetwork>> {
        physical_network::remove(tx, request.id)?;
        Ok(Changed::known(request.id))
    }

    async fn tell(_: &Cx, _: Id<id::PhysicalNetwork>) -> Result<Self::Response> {
        Ok(Success::YES)
    }
}
