//! `deleteTrafficType`: takes a traffic type away.

use super::add_traffic::Plan;
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

impl AsyncCommand for DeleteTrafficType {
    const SPEC: Spec = Spec {
        name: "deleteTrafficType",
        about: "Takes a traffic type away from a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("TRAFFIC.TYPE.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        physical_network::remove_traffic(tx, request.id)?;
        Ok(Admitted {
            plan: Plan { id: request.id },
            subject: Some((Kind::TrafficType, request.id.uuid())),
            created: None,
            describe: None,
        })
    }

    async fn run(_: &Cx, _: &Plan) -> Result<Self::Response> {
        Ok(Success::YES)
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
