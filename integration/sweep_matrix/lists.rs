//! What lists and other readers show: everything the caller sees when asked for everything, and never a trace of what
//! the caller does not see, whatever the words about owners are.

use super::{
    Words, ask,
    cast::{Cast, PARTIES, name, party},
    rules::{CALLERS, Class, OWNERS, Who, Whose, class, may, sees},
    value,
};
use csgpu::{
    command::{Entry, Registry},
    commands::ROOMS,
    domain::Kind,
};

/// The words about owners that are tried, each where the command knows all of them.
const SCOPES: &[&[(&str, &str)]] = &[
    &[],
    &[("listall", "true")],
    &[("listall", "true"), ("isrecursive", "true")],
    &[("listall", "true"), ("projectid", "-1")],
    &[("projectid", "-1")],
    &[("domainid", "own"), ("isrecursive", "true")],
    &[("account", "zfar"), ("domainid", "away")],
    &[("account", "zeve"), ("domainid", "home")],
    &[("account", "zkid"), ("domainid", "own")],
    &[("listall", "true"), ("keyword", "z")],
];

/// Members of a project read who else is in it.
fn is_told(who: Who, party: &str, command: &str) -> bool {
    who == Who::ProjectMember
        && party == "zeve"
        && ["listProjects", "listProjectAccounts"].contains(&command)
}

/// All readers for all callers with all words; how many were tried.
pub(super) async fn check(cast: &Cast, wrong: &mut Vec<String>) -> usize {
    let mut tried = 0;
    for entry in Registry::new(ROOMS).all() {
        let reads = ["list", "get", "query", "explain"];
        if !reads.iter().any(|verb| entry.spec.name.starts_with(verb)) {
            continue;
        }
        for who in CALLERS.into_iter().filter(|who| may(*who, entry.spec.name)) {
            for scope in SCOPES {
                let params = (entry.params)();
                let knows = |name: &str| params.iter().any(|param| param.name == name);
                if !scope.iter().all(|(name, _)| knows(name)) {
                    continue;
                }
                let required = params.iter().filter(|param| param.required);
                let mut words: Words = required.flat_map(|param| value(cast, who, param)).collect();
                words.extend(scope.iter().map(|(key, value)| {
                    let home = match *value {
                        "own" => cast.thing(name(who), Kind::Domain),
                        "home" => cast.thing("zjoe", Kind::Domain),
                        "away" => cast.thing("zfar", Kind::Domain),
                        _ => None,
                    };
                    ((*key).to_owned(), home.unwrap_or(value).to_owned())
                }));
                let text = match ask(cast, who, entry, words).await {
                    Ok(text) => text,
                    Err(error) => error.to_string(),
                };
                leaks(cast, who, entry, scope, &text, wrong);
                if scope == &SCOPES[3] || (scope == &SCOPES[1] && !knows("projectid")) {
                    holes(cast, who, entry, knows("projectid"), &text, wrong);
                }
                tried += 1;
            }
        }
    }
    tried
}

/// How an owner stands to a caller.
fn stands(who: Who, owner: &'static str) -> Option<Whose> {
    OWNERS.into_iter().find(|whose| party(who, *whose) == owner)
}

/// Ids and names of what the caller does not see.
fn leaks(
    cast: &Cast,
    who: Who,
    entry: &Entry,
    scope: &[(&str, &str)],
    text: &str,
    wrong: &mut Vec<String>,
) {
    let what = |name: &str| {
        format!(
            "{} {scope:?} by {who:?} tells of {name}: {}",
            entry.spec.name,
            &text[..text.len().min(400)]
        )
    };
    for owner in PARTIES {
        let Some(whose) = stands(who, owner) else { continue };
        if is_told(who, owner, entry.spec.name) {
            continue;
        }
        for kind in Kind::ALL.iter().copied().filter(|kind| class(*kind) != Class::Cloud) {
            let seen = sees(who, whose, kind).unwrap_or(true);
            if let Some(id) = cast.thing(owner, kind).filter(|_| !seen) {
                // an answer repeats the words of the question
                let is_asked =
                    scope.iter().any(|(key, _)| *key == "domainid") && kind == Kind::Domain;
                if text.contains(id) && !is_asked {
                    wrong.push(what(&format!("the {kind:?} of {owner}")));
                }
            }
        }
        let is_asked = scope.iter().any(|(_, value)| *value == owner);
        if sees(who, whose, Kind::Vm) == Some(false) && text.contains(owner) && !is_asked {
            wrong.push(what(owner));
        }
    }
}

/// What a list of everything leaves out.
fn holes(
    cast: &Cast,
    who: Who,
    entry: &Entry,
    with_projects: bool,
    text: &str,
    wrong: &mut Vec<String>,
) {
    let object = (entry.response)().object;
    let kind = Kind::ALL.iter().copied().find(|kind| Some(kind.object()) == object);
    // the list of jobs is of those under way
    let Some(kind) = kind.filter(|kind| class(*kind) != Class::Cloud && *kind != Kind::Job) else {
        return;
    };
    for whose in OWNERS {
        let seen = sees(who, whose, kind) == Some(true);
        let is_meant = whose != Whose::Project || with_projects || kind == Kind::Project;
        if let Some(id) = cast.thing(party(who, whose), kind).filter(|_| seen && is_meant)
            && !text.contains(id)
        {
            wrong.push(format!("{} by {who:?} leaves out the {kind:?} {whose:?}", entry.spec.name));
        }
    }
}
