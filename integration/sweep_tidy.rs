//! The house rules that no compiler holds: layers, file lengths, first lines, one command a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Which layers a layer may use, itself apart. The binary's own files may use everything.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("error", &[]),
    ("store", &["domain", "error"]),
    ("hypervisor", &["domain", "error"]),
    ("command", &["domain", "error", "store", "hypervisor"]),
    ("commands", &["command", "domain", "error", "store", "hypervisor"]),
    ("jobs", &["command", "domain", "error", "store", "hypervisor"]),
    ("dialect", &["command", "error"]),
    ("http", &["dialect", "command", "error"]),
];

/// Words of one layer only: (word, where it may stand).
const FOREIGN: &[(&str, &[&str])] = &[
    ("diesel::", &["src/store/"]),
    ("actix_web::", &["src/http/"]),
    ("virt::", &["src/hypervisor/libvirt/"]),
    // what hosts are told and say, and the XML form of answers
    ("quick_xml::", &["src/hypervisor/libvirt/xml/", "src/dialect/xml.rs"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, kinds: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).expect("a folder").flatten() {
            let path = file.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kinds.iter().any(|k| kind == *k)) {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, fs::read_to_string(path).expect("text")));
            }
        }
    }
    found.sort();
    found
}

fn rust() -> Vec<(String, String)> {
    ["src", "integration"].iter().flat_map(|folder| files(folder, &["rs"])).collect()
}

/// `src/store/vm.rs` -> `store`; the files of the binary have no layer.
fn layer(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("src/")?;
    let first = rest.split(['/', '.']).next()?;
    LAYERS.iter().map(|(layer, _)| *layer).find(|layer| *layer == first)
}

#[test]
fn every_file_is_short_and_says_what_it_is() {
    for (name, text) in rust() {
        let lines = text.lines().count();
        assert!(lines < 500 || name == "src/store/schema.rs", "{name} has {lines} lines");
        assert!(text.starts_with("//! "), "{name} does not begin with //! and a sentence");
    }
    for (name, text) in
        files("integration", &["sh", "py", "c"]).iter().chain(&files("scripts", &["sh", "py"]))
    {
        assert!(text.lines().count() < 500, "{name} is too long");
    }
}

#[test]
fn no_layer_uses_one_that_it_may_not() {
    for (name, text) in rust() {
        let Some(own) = layer(&name) else { continue };
        let allowed =
            LAYERS.iter().find(|(layer, _)| *layer == own).map_or(&[][..], |(_, allowed)| *allowed);
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for used in uses(&code.join("\n")) {
            let is_layer = LAYERS.iter().any(|(layer, _)| *layer == used);
            assert!(
                !is_layer || used == own || allowed.contains(&used.as_str()),
                "{name} uses {used}"
            );
        }
    }
}

/// The layers named by `crate::x` and `use crate::{x, y::z}`.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with('$') {
            continue;
        }
        let rest = &text[at + 7..];
        let word = |text: &str| -> String {
            text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = true;
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    c if start && c.is_alphabetic() => {
                        found.push(word(&group[i..]));
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.push(word(rest));
        }
    }
    found
}

#[test]
fn a_library_stays_in_its_layer() {
    for (name, text) in rust()
        .iter()
        .filter(|(name, _)| name.starts_with("src/") && !name.starts_with("src/derive/"))
    {
        for (word, homes) in FOREIGN {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && line.match_indices(word).any(|(at, _)| {
                        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                    })
            });
            assert!(!used || homes.iter().any(|home| name.starts_with(home)), "{name} uses {word}");
        }
    }
}

#[test]
fn one_command_a_file_and_the_file_is_named_after_its_verb() {
    for (name, text) in rust().iter().filter(|(name, _)| name.starts_with("src/commands/")) {
        let commands = text.matches("Command for ").count();
        let file = Path::new(name).file_stem().expect("a name").to_string_lossy();
        if file == "mod" || file == "view" {
            assert_eq!(commands, 0, "{name} holds a command");
            continue;
        }
        assert!(commands <= 1, "{name} holds {commands} commands");
        if commands == 1 {
            let wire = text
                .split("name: \"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .expect("a SPEC");
            let verb = file.split('_').next().expect("a verb");
            assert!(wire.to_lowercase().contains(verb), "{name} holds {wire}");
        }
    }
}

#[test]
fn a_state_of_an_instance_is_written_in_one_place() {
    let writers: Vec<_> = rust()
        .into_iter()
        .filter(|(name, _)| name.starts_with("src/store/"))
        .filter(|(_, text)| {
            text.lines().any(|line| line.contains("set(") && line.contains("vm::state.eq"))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(writers.len() <= 1, "{writers:?} write vm.state");
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let home = concat!("/wo", "rk/");
    for folder in ["src", "integration", "scripts", "migrations", "api-spec"] {
        for (name, text) in files(folder, &["rs", "md", "sh", "py", "sql", "json", "c", "toml"]) {
            assert!(!text.contains(home), "{name} names a path of one machine");
        }
    }
}
