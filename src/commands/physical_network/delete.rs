//! `deletePhysicalNetwork`: refused while networks are on it.

use super::create::Plan;
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

impl AsyncCommand for DeletePhysicalNetwork {
    const SPEC: Spec = Spec {
        name: "deletePhysicalNetwork",
        about: "Removes a physical network that carries no networks",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("PHYSICAL.NETWORK.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        physical_network::remove(tx, request.id)?;
        Ok(Admitted {
            plan: Plan { id: request.id },
            subject: Some((Kind::PhysicalNetwork, request.id.uuid())),
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
