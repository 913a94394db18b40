//! The registry is the API: `api-spec/` is derived from it byte for byte, and every command keeps the naming rules.
//!
//! `UPDATE=1 cargo test --test integration sweep_spec` rewrites `api-spec/`.

use crate::world::server::env;
use csgpu::{
    command::{Entry, Registry, Shape},
    commands::ROOMS,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

fn registry() -> Registry {
    Registry::new(ROOMS)
}

/// File name below `api-spec/` and content.
fn derived() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for record in registry().describe(None, None) {
        let name = record["name"].as_str().expect("a name").to_owned();
        files.insert(format!("commands/{name}.json"), format!("{record:#}\n"));
    }
    let mut objects: BTreeMap<&str, (Vec<&str>, Value)> = BTreeMap::new();
    for entry in registry().all() {
        let response = (entry.response)();
        if let Some(object) = response.object {
            let fields: Vec<Value> = response
                .fields
                .iter()
                .map(|f| json!({"name": f.name, "description": f.about, "type": f.kind, "admin": f.admin}))
                .collect();
            objects
                .entry(object)
                .or_insert_with(|| (Vec::new(), Value::Array(fields)))
                .0
                .push(entry.spec.name);
        }
    }
    for (object, (commands, fields)) in objects {
        let text = json!({"name": object, "commands": commands, "fields": fields});
        files.insert(format!("objects/{object}.json"), format!("{text:#}\n"));
    }
    files
}

fn stored(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in ["commands", "objects"] {
        for file in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = format!("{folder}/{}", file.file_name().to_string_lossy());
            files.insert(name, fs::read_to_string(file.path()).expect("text"));
        }
    }
    files
}

#[test]
fn the_spec_files_are_what_the_registry_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("api-spec");
    let (now, before) = (derived(), stored(&root));
    if env("UPDATE").is_some() {
        for name in before.keys().filter(|name| !now.contains_key(*name)) {
            fs::remove_file(root.join(name)).expect("removed");
        }
        for (name, text) in &now {
            let file = root.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, text).expect("written");
        }
        return;
    }
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    let hint = "run UPDATE=1 cargo test --test integration sweep_spec";
    assert_eq!(names(&now), names(&before), "{hint}");
    for (name, text) in now {
        assert!(before[&name] == text, "api-spec/{name} is out of date: {hint}");
    }
}

/// What commands may begin with.
const VERBS: &[&str] = &[
    "accept",
    "activate",
    "add",
    "adopt",
    "archive",
    "assign",
    "cancel",
    "change",
    "create",
    "delete",
    "deploy",
    "destroy",
    "disable",
    "drain",
    "undrain",
    "discover",
    "enable",
    "explain",
    "expunge",
    "generate",
    "get",
    "import",
    "list",
    "lock",
    "manage",
    "prepare",
    "query",
    "reboot",
    "reconnect",
    "recover",
    "register",
    "release",
    "remove",
    "reset",
    "scale",
    "start",
    "stop",
    "suspend",
    "unmanage",
    "update",
    "declare",
];

#[test]
fn names_and_descriptions_keep_the_rules() {
    let total: usize = ROOMS.iter().map(|room| room.len()).sum();
    assert_eq!(total, registry().all().count(), "two commands have one name");
    for entry in registry().all() {
        let (name, about) = (entry.spec.name, entry.spec.about);
        let verb: String = name.chars().take_while(|c| c.is_ascii_lowercase()).collect();
        assert!(VERBS.contains(&verb.as_str()), "{name}: {verb} is not among the verbs");
        assert!(about.starts_with(char::is_uppercase) && !about.ends_with('.'), "{name}: {about}");
        let params = (entry.params)();
        let mut seen = std::collections::BTreeSet::new();
        for param in &params {
            assert!(seen.insert(param.name), "{name}: {} twice", param.name);
            assert!(!param.about.is_empty(), "{name}: {} has no description", param.name);
        }
        if (entry.response)().shape == Shape::List && verb == "list" && name != "listApis" {
            assert!(seen.contains("page") || PLAIN.contains(&name), "{name} has no pages");
        }
        changes_are_events(entry);
    }
}

/// Lists that CloudStack does not page.
const PLAIN: &[&str] = &[
    "listCapacity",
    "listAlertTypes",
    "listEventTypes",
    "listUsageTypes",
    "listHypervisors",
    "listRolePermissions",
    "listProjectRolePermissions",
    "listUserTwoFactorAuthenticatorProviders",
];

/// What changes something says so.
fn changes_are_events(entry: &Entry) {
    let name = entry.spec.name;
    let reads = ["list", "get", "query", "explain"].iter().any(|verb| name.starts_with(verb));
    assert_eq!(
        entry.spec.event.is_none(),
        reads,
        "{name}: an event belongs to every change, and to nothing else"
    );
    assert!(!entry.spec.roles.is_empty(), "{name} is for nobody");
}

#[test]
fn every_id_names_something_that_can_be_listed() {
    let registry = registry();
    let objects: Vec<&str> = registry.all().filter_map(|entry| (entry.response)().object).collect();
    for entry in registry.all() {
        for param in (entry.params)() {
            if let Some(kind) = param.entity {
                assert!(
                    objects.contains(&kind.object()),
                    "{}: nothing returns {}",
                    entry.spec.name,
                    kind.object()
                );
            }
        }
    }
}
