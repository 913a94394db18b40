//! Who may do what to whose: every command, every kind of caller, every kind of owner, in every parameter that takes an
//! id. The rows come from the registry, what is right from the tables in `rules`: a command that others than root
//! administrators may call, a noun, or a parameter that looks like an id and is none must have its line there.

mod cast;
mod lists;
mod rules;
mod shared;
mod typed;

use crate::world::{Client, World};
use cast::{Cast, party};
use csgpu::{
    command::{Args, Entry, ParamSpec, Registry},
    commands::ROOMS,
    domain::Kind,
    error::{Error, Result},
};
use rules::{CALLERS, Class, NO_IDS, OWNERS, Who, class, may, sees};

/// What nobody has an id of.
const UNKNOWN: &str = "00000000-0000-7000-8000-00000000beef";

/// The words of one request.
type Words = Vec<(String, String)>;

/// A value for a parameter that must be there: of the caller's own, where it is an id.
fn value(cast: &Cast, who: Who, param: &ParamSpec) -> Words {
    let name = param.name.to_owned();
    let known = |kind: Kind| match class(kind) {
        Class::Cloud => cast.of_the_cloud(kind),
        _ => cast.thing(cast::name(who), kind),
    };
    match (param.entity, param.kind) {
        (Some(kind), _) => vec![(name, known(kind).unwrap_or(UNKNOWN).to_owned())],
        (None, "map") => {
            vec![(format!("{name}[0].key"), "a".into()), (format!("{name}[0].value"), "b".into())]
        }
        (None, "short" | "integer" | "long" | "double") => vec![(name, "1".into())],
        (None, "boolean") => vec![(name, "true".into())],
        // one that is found in what else is named, or not at all
        (None, "uuid") => vec![(name, UNKNOWN.to_owned())],
        (None, "date") => vec![(name, "2026-01-31".into())],
        (None, _) if name == "templatefilter" => {
            vec![(name, if who.is_root() { "all" } else { "executable" }.to_owned())]
        }
        (None, _) => vec![(name, "x".into())],
    }
}

/// All that a command must be told, and this parameter with this id.
fn words(cast: &Cast, who: Who, entry: &Entry, subject: &str, id: &str) -> Words {
    let params = (entry.params)();
    let others = params.iter().filter(|param| param.required && param.name != subject);
    let mut all: Words = others.flat_map(|param| value(cast, who, param)).collect();
    all.push((subject.to_owned(), id.to_owned()));
    all
}

async fn ask(cast: &Cast, who: Who, entry: &'static Entry, words: Words) -> Result<String> {
    cast.kernel.dispatch(cast.caller(who), entry, Args::new(words).expect("plain words")).await
}

/// The answer to an id that does not exist, which is also the answer to one that the caller may not see.
fn nothing_there(entry: &Entry, param: &str, id: &str) -> String {
    format!(
        "Unable to execute API command {} due to invalid value. Invalid parameter {param} value={id} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.",
        entry.spec.name.to_lowercase()
    )
}

#[actix_web::test]
async fn every_cell_answers_as_the_tables_say() {
    let cast = Cast::new().await;
    let before = cast.world.fingerprint();
    let mut wrong = Vec::new();
    let mut cells = 0;
    for entry in Registry::new(ROOMS).all() {
        for who in CALLERS {
            cells += 1;
            if may(who, entry.spec.name) {
                for param in (entry.params)() {
                    cells += row(&cast, who, entry, &param, &mut wrong).await;
                }
            } else if !matches!(
                ask(&cast, who, entry, Words::new()).await,
                Err(Error::Denied { .. })
            ) {
                wrong.push(format!("{} is not refused to {who:?}", entry.spec.name));
            }
        }
    }
    cells += lists::check(&cast, &mut wrong).await;
    cells += typed::check(&cast, &mut wrong).await;
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 5000, "only {cells} cells");
    assert_eq!(cast.world.fingerprint(), before, "a server that only reads changed something");
}

/// One parameter of one command for one caller: things of all owners. How many were tried.
async fn row(
    cast: &Cast,
    who: Who,
    entry: &'static Entry,
    param: &ParamSpec,
    wrong: &mut Vec<String>,
) -> usize {
    let Some(kind) = param.entity else { return 0 };
    let owners = if class(kind) == Class::Cloud { &OWNERS[..1] } else { &OWNERS[..] };
    let mut tried = 0;
    for whose in owners {
        let id = match class(kind) {
            Class::Cloud => cast.of_the_cloud(kind),
            _ => cast.thing(party(who, *whose), kind),
        };
        let (Some(id), Some(seen)) = (id, sees(who, *whose, kind)) else { continue };
        // what only root administrators may say is not even read of others
        let seen = seen || (param.admin && !who.is_root());
        let answer = ask(cast, who, entry, words(cast, who, entry, param.name, id)).await;
        let text = match &answer {
            Ok(text) => text.clone(),
            Err(Error::Denied { .. }) => "refused by role".to_owned(),
            Err(error) => error.to_string(),
        };
        let is_hidden = text == nothing_there(entry, param.name, id);
        // the complaint about an id inside of what was found, which nothing has
        let is_inside = |other: &ParamSpec| {
            (other.entity, other.kind) == (None, "uuid")
                && text == nothing_there(entry, other.name, UNKNOWN)
        };
        let is_found = !is_hidden
            && (!text.contains("entity does not exist") || (entry.params)().iter().any(is_inside))
            && text != "refused by role";
        // a list shows what it is asked for by id
        let lists = param.name == "id" && entry.spec.name.starts_with("list");
        let is_ignored = param.admin && !who.is_root();
        let is_listed = !lists || is_ignored || text.contains(id);
        let is_right = if seen { is_found && is_listed } else { is_hidden };
        if !is_right {
            wrong.push(format!(
                "{} {}: {kind:?} {whose:?} by {who:?} should be {}: {}",
                entry.spec.name,
                param.name,
                if seen { "found" } else { "hidden" },
                text.chars().take(300).collect::<String>()
            ));
        }
        tried += 1;
    }
    tried
}

#[test]
fn what_is_named_like_an_id_is_looked_up() {
    let mut unknown = Vec::new();
    for entry in Registry::new(ROOMS).all() {
        for param in (entry.params)() {
            let is_id = ["id", "ids", "uuid"].iter().any(|end| param.name.ends_with(end));
            let full = format!("{} {}", entry.spec.name, param.name);
            let is_named = |(name, _): &(&str, &str)| *name == param.name || *name == full;
            let is_known = param.entity.is_some() || NO_IDS.iter().any(is_named);
            if is_id && !is_known && param.kind != "boolean" {
                unknown.push(full);
            }
        }
    }
    assert!(unknown.is_empty(), "are they ids? of what? {unknown:?}");
}

#[test]
fn no_line_of_the_tables_is_about_a_command_that_is_not_there() {
    let registry = Registry::new(ROOMS);
    let known: Vec<&str> = registry.all().map(|entry| entry.spec.name).collect();
    for list in rules::LISTS {
        for name in list.split_whitespace() {
            assert!(known.contains(&name), "{name}");
        }
    }
}

#[actix_web::test]
async fn without_credentials_no_id_is_looked_at() {
    let world = World::new().await;
    let nobody = Client::new(world.server.address, "", "");
    let account = world.texts("SELECT id AS text FROM account WHERE name = 'admin'").await;
    for entry in Registry::new(ROOMS).all() {
        let params = (entry.params)();
        let named = params.iter().filter(|param| param.entity.is_some() || param.required);
        let words: Vec<_> = named.map(|param| (param.name, account[0].as_str())).collect();
        let answer = nobody.post(entry.spec.name, &words).await;
        assert_eq!(answer.status, 401, "{}", entry.spec.name);
        let text = "unable to verify user credentials and/or request signature";
        assert_eq!(answer.error(), text, "{}", entry.spec.name);
    }
}
