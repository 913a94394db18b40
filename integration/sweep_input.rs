//! Every parameter of every command: missing, empty, of the wrong type, unknown, too long, with markup. The documented
//! error, and nothing changes.

use crate::world::{Answer, World};
use csgpu::{
    command::{ParamSpec, Registry},
    commands::ROOMS,
};

const UNKNOWN: &str = "00000000-0000-7000-8000-00000000beef";

/// A value that parses.
fn plausible(param: &ParamSpec) -> Vec<(String, String)> {
    let name = param.name.to_owned();
    match param.kind {
        "map" => {
            vec![(format!("{name}[0].key"), "a".into()), (format!("{name}[0].value"), "b".into())]
        }
        "uuid" => vec![(name, UNKNOWN.into())],
        "list" if param.entity.is_some() => vec![(name, UNKNOWN.into())],
        "short" | "integer" | "long" | "double" => vec![(name, "1".into())],
        "boolean" => vec![(name, "true".into())],
        "date" => vec![(name, "2026-01-31".into())],
        _ => vec![(name, "x".into())],
    }
}

/// All required parameters but one, and that one as given.
fn with(params: &[ParamSpec], subject: &str, value: Option<&str>) -> Vec<(String, String)> {
    let others = params.iter().filter(|p| p.required && p.name != subject).flat_map(plausible);
    others.chain(value.map(|value| (subject.to_owned(), value.to_owned()))).collect()
}

async fn send(world: &World, command: &str, pairs: &[(String, String)]) -> Answer {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    world.admin.post(command, &pairs).await
}

/// The parameters before this one that would be complained about first: ids are looked up after everything is read.
fn expect(answer: &Answer, command: &str, param: &ParamSpec, text: &str) {
    assert_eq!(answer.status, 431, "{command} {}: {}", param.name, answer.text());
    assert_eq!(answer.error(), text, "{command} {}", param.name);
    assert_eq!(answer.header("x-description"), Some(text), "{command} {}", param.name);
}

#[actix_web::test]
async fn every_bad_parameter_is_refused_in_the_documented_words() {
    let world = World::new().await;
    let before = world.fingerprint();
    for entry in Registry::new(ROOMS).all() {
        let (command, params) = (entry.spec.name, (entry.params)());
        let lower = command.to_lowercase();
        for param in &params {
            let name = param.name;
            if param.required {
                let answer = send(&world, command, &with(&params, name, None)).await;
                expect(
                    &answer,
                    command,
                    param,
                    &format!(
                        "Unable to execute API command {lower} due to missing parameter {name}"
                    ),
                );
                if param.kind != "map" {
                    let answer = send(&world, command, &with(&params, name, Some(""))).await;
                    expect(
                        &answer,
                        command,
                        param,
                        &format!("Invalid value provided for API arg: {name}"),
                    );
                }
            }
            if matches!(param.kind, "short" | "integer" | "long" | "double") {
                let answer = send(&world, command, &with(&params, name, Some("12x"))).await;
                expect(
                    &answer,
                    command,
                    param,
                    &format!(
                        "Unable to execute API command {lower} due to invalid value 12x for parameter {name}"
                    ),
                );
            }
            if param.kind == "uuid" && param.entity.is_some() {
                let bad = "1' OR '1'='1";
                let answer = send(&world, command, &with(&params, name, Some(bad))).await;
                expect(
                    &answer,
                    command,
                    param,
                    &format!(
                        "Unable to execute API command {lower} due to invalid value. Invalid parameter {name} value={bad} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."
                    ),
                );
                let answer = send(&world, command, &with(&params, name, Some(UNKNOWN))).await;
                assert!(
                    answer.status == 431 && answer.error().contains("entity does not exist"),
                    "{command} {name}: {}",
                    answer.text()
                );
            }
            if param.kind == "string" && param.max <= 4096 {
                let answer =
                    send(&world, command, &with(&params, name, Some(&"x".repeat(param.max + 1))))
                        .await;
                expect(
                    &answer,
                    command,
                    param,
                    &format!(
                        "Unable to execute API command {lower} due to invalid value. Value greater than max allowed length {} for param: {name}",
                        param.max
                    ),
                );
            }
            if param.kind == "map" {
                let answer = send(&world, command, &with(&params, name, Some("plain"))).await;
                assert_eq!(answer.status, 431, "{command} {name}: {}", answer.text());
            }
            let answer = send(&world, command, &with(&params, name, Some("tab\there"))).await;
            assert_eq!(answer.status, 431, "{command} {name}: {}", answer.text());
        }
    }
    assert_eq!(world.fingerprint(), before, "a refused request changed something");
}

/// Markup, quotes and shell words are text: accepted as they are, or refused; never an internal error.
#[actix_web::test]
async fn no_text_is_an_internal_error() {
    let world = World::new().await;
    let texts = [
        "</name><x>&amp;",
        "'; DROP TABLE vm; --",
        "$(reboot) `id` | true",
        "../../etc/passwd",
        "ü\u{1F600}\u{202E}",
        "%s%n\\0",
    ];
    for entry in Registry::new(ROOMS).all() {
        let (command, params) = (entry.spec.name, (entry.params)());
        for param in params.iter().filter(|param| param.kind == "string") {
            for text in texts {
                let answer = send(&world, command, &with(&params, param.name, Some(text))).await;
                assert!(
                    !answer.text().contains("Internal error"),
                    "{command} {} {text}: {}",
                    param.name,
                    answer.text()
                );
                let known = [200, 430, 431, 432, 530, 531, 533, 534, 535, 536];
                assert!(
                    known.contains(&answer.status),
                    "{command} {} {text}: {}",
                    param.name,
                    answer.status
                );
            }
        }
    }
}
