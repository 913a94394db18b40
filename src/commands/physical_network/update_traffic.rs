//! `updateTrafficType`: the bridge of the hosts that carries it.

use super::{
    add_traffic::{Plan, label},
    view::TrafficTypeView,
};
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

impl AsyncCommand for UpdateTrafficType {
    const SPEC: Spec = Spec {
        name: "updateTrafficType",
        about: "Names the bridge that carries a traffic type",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("TRAFFIC.TYPE.UPDATE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<TrafficTypeView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        if let Some(label) = label(request.kvm_network_label.as_deref())? {
            physical_network::label_traffic(tx, request.id, Some(&label))?;
        }
        Ok(Admitted {
            plan: Plan { id: request.id },
            subject: Some((Kind::TrafficType, request.id.uuid())),
            created: None,
            describe: None,
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        let id = plan.id;
        Ok(One(cx.db.read(move |conn| physical_network::traffic_type(conn, id)).await?.into()))
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
