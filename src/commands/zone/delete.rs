//! `deleteZone`: refused while anything is in it.

use crate::{command::prelude::*, store::zone};

/// `deleteZone`.
#[derive(Debug)]
pub(super) struct DeleteZone;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    id: Id<id::Zone>,
}

impl Command for DeleteZone {
    const SPEC: Spec = Spec {
        name: "deleteZone",
        about: "Removes an empty zone",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("ZONE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        cx.write(move |tx, _| {
            zone::remove(tx, id)?;
            Ok((Some((Kind::Zone, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
