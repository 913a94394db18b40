//! `deleteServiceOffering`: no new instance may use it; those that do keep it.

use crate::{command::prelude::*, store::service_offering};

/// `deleteServiceOffering`.
#[derive(Debug)]
pub(super) struct DeleteServiceOffering;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the service offering
    id: Id<id::ServiceOffering>,
}

impl Command for DeleteServiceOffering {
    const SPEC: Spec = Spec {
        name: "deleteServiceOffering",
        about: "Deletes a service offering",
        since: "0.1",
        roles: Role::ADMINS,
        event: Some("SERVICE.OFFERING.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id } = request;
        cx.write(move |tx, caller| {
            super::update::check_administered(tx, caller, id)?;
            service_offering::remove(tx, id)?;
            Ok((Some((Kind::ServiceOffering, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
