//! `deleteTags`: takes tags from things: some by key, or by key and value, or all.

use super::create::{hold, said};
use crate::{
    command::{Tagged, pairs, prelude::*},
    store::tag,
};

/// `deleteTags`.
#[derive(Debug)]
pub(super) struct DeleteTags;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the tags to delete, each with its key, and with a value to delete it only if it has that; all if not given
    #[param(map = "records")]
    tags: Vec<BTreeMap<String, String>>,
    #[param(group)]
    things: Tagged,
}

impl SimpleCommand for DeleteTags {
    const SPEC: Spec = Spec {
        name: "deleteTags",
        about: "Deletes tags of resources",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("TAGS.DELETE"),
    };
    type Request = Request;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<String> {
        let Request { tags, things } = request;
        let tags = pairs(tags)?;
        let held = hold(tx, caller, things)?;
        if tag::remove(tx, &held, &tags)? == 0 {
            return Err(Error::Conflict("Failed to delete tags".to_owned()));
        }
        let keys = tags.iter().map(|(key, _)| key.as_str());
        Ok(said("Deleting", keys, things))
    }
}
