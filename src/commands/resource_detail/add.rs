//! `addResourceDetail`: writes details of a thing, in place of those of the same names.

use crate::{
    command::{Detailed, prelude::*, valued},
    store::detail,
};

/// `addResourceDetail`.
#[derive(Debug)]
pub(super) struct AddResourceDetail;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the details, each with its key and value
    #[param(map = "records", required)]
    details: Vec<BTreeMap<String, String>>,
    /// whether users see them; true if not given
    #[param(since = "4.4")]
    for_display: Option<bool>,
    #[param(group)]
    thing: Detailed,
}

/// The most characters of a name.
const MOST: usize = 190;

impl SimpleCommand for AddResourceDetail {
    const SPEC: Spec = Spec {
        name: "addResourceDetail",
        about: "Adds details of a resource",
        since: "4.2.0",
        roles: Role::ADMIN,
        event: Some("RESOURCE.DETAILS.CREATE"),
    };
    type Request = Request;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<String> {
        let Request { details, for_display, thing } = request;
        for (key, value) in valued(details)? {
            if key.chars().count() > MOST {
                let text = format!("the name of a detail has {MOST} characters at most");
                return Err(Error::Invalid(text));
            }
            detail::write(tx, thing.id, (&key, &value), for_display.unwrap_or(true))?;
        }
        Ok(said("Adding", thing))
    }
}

/// What the event says: never a value.
pub(super) fn said(verb: &str, thing: &Detailed) -> String {
    format!("{verb} details of {} {}", thing.of.name, thing.id)
}
