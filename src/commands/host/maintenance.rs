//! `prepareHostForMaintenance`: no new instances; refused while any runs, because none can be moved away.

use super::view::{HostView, one};
use crate::{
    command::prelude::*,
    domain::infra::ResourceState,
    store::{capacity, host},
};

/// `prepareHostForMaintenance`.
#[derive(Debug)]
pub(super) struct PrepareHostForMaintenance;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
}

/// Turns the administrator's switch of a host that is held.
pub(super) fn turn(
    tx: &mut Tx<'_>,
    host: &host::Host,
    state: ResourceState,
    text: String,
) -> Result<Changed<id::Host>> {
    let changes = host::Changes { resource_state: Some(state), ..Default::default() };
    host::change(tx, host.id, &changes)?;
    Ok(Changed::known(host.id).described(text))
}

/// The host as it is now.
pub(super) async fn now(cx: &Cx, id: Id<id::Host>) -> Result<One<HostView>> {
    let server = cx.server;
    Ok(One(cx.db.read(move |conn| one(conn, id, server)).await?))
}

impl ImmediateCommand for PrepareHostForMaintenance {
    const SPEC: Spec = Spec {
        name: "prepareHostForMaintenance",
        about: "Puts an empty host into maintenance",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("MAINT.PREPARE"),
    };
    type Request = Request;
    type Subject = id::Host;
    type Response = One<HostView>;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::Host>> {
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
        turn(tx, &found, ResourceState::Maintenance, text)
    }

    async fn tell(cx: &Cx, id: Id<id::Host>) -> Result<Self::Response> {
        now(cx, id).await
    }
}
