//! `cancelHostMaintenance`: instances may be placed on the host again.

use super::{
    maintenance::{now, turn},
    view::HostView,
};
use crate::{command::prelude::*, domain::infra::ResourceState, store::host};

/// `cancelHostMaintenance`.
#[derive(Debug)]
pub(super) struct CancelHostMaintenance;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
}

impl ImmediateCommand for CancelHostMaintenance {
    const SPEC: Spec = Spec {
        name: "cancelHostMaintenance",
        about: "Takes a host out of maintenance",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("MAINT.CANCEL"),
    };
    type Request = Request;
    type Subject = id::Host;
    type Response = One<HostView>;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::Host>> {
        let found = host::hold(tx, request.id)?;
        let in_maintenance = [ResourceState::PrepareForMaintenance, ResourceState::Maintenance];
        if !in_maintenance.contains(&found.resource_state) {
            return Err(Error::Conflict(format!("host {} is not in maintenance", found.name)));
        }
        let text = format!("cancelling the maintenance of host {}", found.name);
        turn(tx, &found, ResourceState::Enabled, text)
    }

    async fn tell(cx: &Cx, id: Id<id::Host>) -> Result<Self::Response> {
        now(cx, id).await
    }
}
