//! `deleteTrafficType`: takes a traffic type away.

use crate::{command::prelude::*, store::physical_network};

/// `deleteTrafficType`.
#[derive(Debug)]
pub(super) struct DeleteTrafficType;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the traffic type
    id: Id<id::TrafficType>,
}

impl ImmediateCommand for DeleteTrafficType {
    const SPEC: Spec = Spec {
        name: "deleteTrafficType",
        about: "Takes a traffic type away from a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("TRAFFIC.TYPE.DELETE"),
    };
    type Request = Request;
    type Subject = id::TrafficType;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::TrafficType>> {
        physical_network::remove_traffic(tx, request.id)?;
        Ok(Changed::known(request.id))
    }

    async fn tell(_: &Cx, _: Id<id::TrafficType>) -> Result<Self::Response> {
        Ok(Success::YES)
    }
}
