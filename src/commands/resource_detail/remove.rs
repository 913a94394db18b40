//! `removeResourceDetail`: takes one detail from a thing, or all.

use super::add::said;
use crate::{
    command::{Detailed, prelude::*},
    store::detail,
};

/// `removeResourceDetail`.
#[derive(Debug)]
pub(super) struct RemoveResourceDetail;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the detail; all if not given
    key: Option<String>,
    #[param(group)]
    thing: Detailed,
}

impl SimpleCommand for RemoveResourceDetail {
    const SPEC: Spec = Spec {
        name: "removeResourceDetail",
        about: "Removes details of a resource",
        since: "4.2.0",
        roles: Role::ADMIN,
        event: Some("RESOURCE.DETAILS.REMOVE"),
    };
    type Request = Request;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<String> {
        let Request { key, thing } = request;
        match key {
            Some(key) => detail::forget(tx, thing.id, &[key])?,
            None => detail::clear(tx, thing.id)?,
        }
        Ok(said("Removing", thing))
    }
}
