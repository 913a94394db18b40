//! Ids whose noun another parameter names: `resourcetype` with `resourceid` or `resourceids`.

use super::{
    Words, ask,
    cast::{Cast, party},
    rules::{CALLERS, Class, OWNERS, class, may, sees},
    value,
};
use csgpu::{
    command::{Entry, Registry},
    commands::ROOMS,
    domain::{Kind, ObjectType},
};

/// All commands that take such ids, for all callers with things of all owners; how many were tried.
pub(super) async fn check(cast: &Cast, wrong: &mut Vec<String>) -> usize {
    let mut tried = 0;
    for entry in Registry::new(ROOMS).all() {
        let params = (entry.params)();
        let has = |name: &str| params.iter().any(|param| param.name == name);
        let is_typed = params.iter().any(|param| param.name == "resourcetype" && param.required);
        let id = ["resourceid", "resourceids"].into_iter().find(|name| has(name));
        let Some(id) = id.filter(|_| is_typed) else { continue };
        let takes = |of: &&ObjectType| match entry.spec.name.ends_with("Tags") {
            true => of.has_tags,
            false => of.has_details,
        };
        for of in ObjectType::ALL.iter().filter(takes) {
            let Some(kind) = of.kind else { continue };
            tried += types(cast, entry, (id, of.name, kind), wrong).await;
        }
    }
    tried
}

async fn types(
    cast: &Cast,
    entry: &'static Entry,
    (param, name, kind): (&'static str, &'static str, Kind),
    wrong: &mut Vec<String>,
) -> usize {
    let mut tried = 0;
    for who in CALLERS.into_iter().filter(|who| may(*who, entry.spec.name)) {
        for whose in OWNERS {
            let id = match class(kind) {
                Class::Cloud => cast.of_the_cloud(kind),
                _ => cast.thing(party(who, whose), kind),
            };
            let (Some(id), Some(is_seen)) = (id, sees(who, whose, kind)) else { continue };
            let params = (entry.params)();
            let others = params
                .iter()
                .filter(|other| other.required && ![param, "resourcetype"].contains(&other.name));
            let mut words: Words = others.flat_map(|other| value(cast, who, other)).collect();
            words.push((param.to_owned(), id.to_owned()));
            words.push(("resourcetype".to_owned(), name.to_owned()));
            let text = match ask(cast, who, entry, words).await {
                Ok(text) => text,
                Err(error) => error.to_string(),
            };
            // whoever does not see pools has nothing to read of theirs
            let is_seen = is_seen && (kind != Kind::StoragePool || who.is_root());
            let is_hidden = text == format!("Unable to find resource by uuid {id} and type {name}");
            if is_hidden == is_seen {
                wrong.push(format!(
                    "{} {name} {whose:?} by {who:?} should be {}: {text}",
                    entry.spec.name,
                    if is_seen { "found" } else { "hidden" },
                ));
            }
            tried += 1;
        }
    }
    tried
}
