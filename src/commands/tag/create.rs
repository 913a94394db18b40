//! `createTags`: writes tags on things; all of them or none.

use crate::{
    command::{Named, Tagged, prelude::*, valued},
    store::{owner, tag},
};

/// `createTags`.
#[derive(Debug)]
pub(super) struct CreateTags;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the tags, each with its key and value
    #[param(map = "records", required)]
    tags: Vec<BTreeMap<String, String>>,
    /// what the tags are used for; a word of the caller's own
    customer: Option<String>,
    #[param(group)]
    things: Tagged,
}

/// The most characters of a key and of a value.
const MOST: usize = 255;

impl SimpleCommand for CreateTags {
    const SPEC: Spec = Spec {
        name: "createTags",
        about: "Creates tags of resources",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("TAGS.CREATE"),
    };
    type Request = Request;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<String> {
        let Request { tags, customer, things } = request;
        let tags = checked(valued(tags)?)?;
        let held = hold(tx, caller, things)?;
        tag::insert(tx, things.of, &held, &tags, customer.as_deref())?;
        let keys = tags.iter().map(|(key, _)| key.as_str());
        Ok(said("Creating", keys, things))
    }
}

/// Keys with their values, each key once.
fn checked(pairs: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
    let mut tags: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (key, value) in pairs {
        for (what, text) in [("key", &key), ("value", &value)] {
            if text.chars().count() > MOST {
                return Err(Error::Invalid(format!(
                    "the {what} of a tag has {MOST} characters at most"
                )));
            }
        }
        tags.insert(key.to_lowercase(), (key, value));
    }
    Ok(tags.into_values().collect())
}

/// The things, held, if all of them are there and the caller's to change.
pub(super) fn hold(tx: &mut Tx<'_>, caller: &Caller, things: &Tagged) -> Result<Vec<tag::Target>> {
    let held = tag::hold(tx, things.kind, &things.ids)?;
    if let Some(gone) = things.ids.iter().find(|id| held.iter().all(|thing| thing.id != **id)) {
        return Err(Named::Resource(things.of.name).unknown(&gone.to_string()));
    }
    for thing in &held {
        owner::check_reach(tx, caller, thing.account_id, &thing.path)?;
    }
    Ok(held)
}

/// What the event says.
pub(super) fn said<'a>(verb: &str, keys: impl Iterator<Item = &'a str>, things: &Tagged) -> String {
    let keys = keys.collect::<Vec<_>>().join(", ");
    let ids: Vec<String> = things.ids.iter().map(ToString::to_string).collect();
    let keys = if keys.is_empty() { "all".to_owned() } else { keys };
    format!("{verb} tags ({keys}) of {} {}", things.of.name, ids.join(", "))
}
