//! `updateTrafficType`: the bridge of the hosts that carries it.

use super::{add_traffic::label, view::TrafficTypeView};
use crate::{command::prelude::*, store::physical_network};

/// `updateTrafficType`.
#[derive(Debug)]
pub(super) struct UpdateTrafficType;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the traffic type
    id: Id<id::TrafficType>,
    /// the bridge of KVM hosts that carries it
    kvm_network_label: Option<String>,
}

impl ImmediateCommand for UpdateTrafficType {
    const SPEC: Spec = Spec {
        name: "updateTrafficType",
        about: "Names the bridge that carries a traffic type",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("TRAFFIC.TYPE.UPDATE"),
    };
    type Request = Request;
    type Subject = id::TrafficType;
    type Response = One<TrafficTypeView>;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::TrafficType>> {
        if let Some(label) = label(request.kvm_network_label.as_deref())? {
            physical_network::label_traffic(tx, request.id, Some(&label))?;
        }
        Ok(Changed::known(request.id))
    }

    async fn tell(cx: &Cx, id: Id<id::TrafficType>) -> Result<Self::Response> {
        Ok(One(cx.db.read(move |conn| physical_network::traffic_type(conn, id)).await?.into()))
    }
}
