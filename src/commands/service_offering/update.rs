//! `updateServiceOffering`: names, tags and state; sizes and GPUs never change.

use super::view::ServiceOfferingView;
use crate::{
    command::prelude::*,
    commands::annotation::view::annotated_one,
    store::service_offering::{self, Change},
};

/// `updateServiceOffering`.
#[derive(Debug)]
pub(super) struct UpdateServiceOffering;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the service offering
    id: Id<id::ServiceOffering>,
    /// the new description
    display_text: Option<String>,
    /// the new name
    name: Option<String>,
    /// the new storage tags, joined by commas
    #[param(since = "4.16")]
    storage_tags: Option<String>,
    /// the new host tags, joined by commas
    #[param(since = "4.16")]
    host_tags: Option<String>,
    /// Active or Inactive
    state: Option<String>,
}

impl Command for UpdateServiceOffering {
    const SPEC: Spec = Spec {
        name: "updateServiceOffering",
        about: "Changes the names, tags or state of a service offering",
        since: "0.1",
        roles: Role::ADMINS,
        event: Some("SERVICE.OFFERING.EDIT"),
    };
    type Request = Request;
    type Response = One<ServiceOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, display_text, name, storage_tags, host_tags, state } = request;
        if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::invalid("a service offering needs a name"));
        }
        let state = match state.as_deref() {
            None => None,
            Some(text) if text.eq_ignore_ascii_case("active") => Some("Active".to_owned()),
            Some(text) if text.eq_ignore_ascii_case("inactive") => Some("Inactive".to_owned()),
            Some(text) => {
                return Err(Error::Invalid(format!("{text} is no state: say Active or Inactive")));
            }
        };
        let change = Change { name, display_text, host_tags, storage_tags, state };
        cx.write(move |tx, caller| {
            check_administered(tx, caller, id)?;
            service_offering::change(tx, id, &change)?;
            Ok((Some((Kind::ServiceOffering, id.uuid())), ()))
        })
        .await?;
        let view = cx.db.read(move |conn| {
            let listed = service_offering::one(conn, id)?;
            annotated_one(conn, ServiceOfferingView::from(listed))
        });
        Ok(One(view.await?))
    }
}

/// Refuses those who administer a domain that the offering is not of.
pub(super) fn check_administered(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: Id<id::ServiceOffering>,
) -> Result<()> {
    if caller.is_admin() || service_offering::may_administer(tx, caller, id)? {
        return Ok(());
    }
    Err(Error::not_permitted())
}
