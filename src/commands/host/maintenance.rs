//! `prepareHostForMaintenance`: no new instances; refused while any runs, because none can be moved away.

use super::view::{HostView, one};
use crate::{
    command::prelude::*,
    domain::infra::ResourceState,
    store::{capacity, host},
};
use serde::{Deserialize, Serialize};

/// `prepareHostForMaintenance`.
#[derive(Debug)]
pub(super) struct PrepareHostForMaintenance;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
}

/// What its job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    host: Id<id::Host>,
}

impl Plan {
    /// Turns the administrator's switch of a host that is held: the admission of a job that has nothing left to do.
    pub(super) fn turn(
        tx: &mut Tx<'_>,
        host: &host::Host,
        state: ResourceState,
        text: String,
    ) -> Result<Admitted<Self>> {
        let changes = host::Changes { resource_state: Some(state), ..Default::default() };
        host::change(tx, host.id, &changes)?;
        Ok(Admitted {
            plan: Self { host: host.id },
            subject: Some((Kind::Host, host.id.uuid())),
            created: None,
            describe: Some(text),
        })
    }

    /// The host as it is now.
    pub(super) async fn answer(&self, cx: &Cx) -> Result<One<HostView>> {
        let (id, server) = (self.host, cx.server);
        Ok(One(cx.db.read(move |conn| one(conn, id, server)).await?))
    }
}

impl AsyncCommand for PrepareHostForMaintenance {
    const SPEC: Spec = Spec {
        name: "prepareHostForMaintenance",
        about: "Puts an empty host into maintenance",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("MAINT.PREPARE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<HostView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let found = host::hold(tx, request.id)?;
        if found.resource_state == ResourceState::Maintenance {
            return Err(Error::Conflict(format!("host {} is in maintenance already", found.name)));
        }
        // the host is held: no instance can be placed on it between this look and the change
        if capacity::taken(tx, &[found.id])?.contains_key(&found.id) {
            return Err(Error::Conflict(format!(
                "instances run on host {}: stop them first, they cannot be moved away",
                found.name
            )));
        }
        let text = format!("preparing host {} for maintenance", found.name);
        Plan::turn(tx, &found, ResourceState::Maintenance, text)
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        plan.answer(cx).await
    }

    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
