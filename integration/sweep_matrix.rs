//! Who may do what to whose: every command, every kind of caller, every kind of thing in every parameter that takes an
//! id. The rows come from the registry, so a new command has its row at once; a new noun must say here whose it is.

use crate::world::{Client, World};
use csgpu::{
    command::{Entry, ParamSpec, Registry},
    commands::ROOMS,
    domain::{Kind, identity::RoleType},
    hypervisor::fake::FakeShape,
};
use std::collections::BTreeMap;

/// What nobody has an id of.
const UNKNOWN: &str = "00000000-0000-7000-8000-00000000beef";

/// A query for one of Joe's, or `None`: the noun has no owner, it belongs to the cloud.
fn one_of_joes(kind: Kind) -> Option<String> {
    let joes = "(SELECT id FROM account WHERE name = 'joe')";
    let table = match kind {
        Kind::Domain => return Some("SELECT id AS text FROM domain WHERE name = 'of joe'".into()),
        Kind::Account => return Some("SELECT id AS text FROM account WHERE name = 'joe'".into()),
        Kind::Project => return Some("SELECT id AS text FROM project LIMIT 1".into()),
        Kind::Nic => return Some("SELECT id AS text FROM nic LIMIT 1".into()),
        Kind::User => "user",
        Kind::Template => "template",
        Kind::Network => "network",
        Kind::Volume => "volume",
        Kind::Vm => "vm",
        Kind::SshKeyPair => "ssh_key_pair",
        Kind::AffinityGroup => "affinity_group",
        Kind::Job => "job",
        Kind::Event => "event",
        _ => return None,
    };
    Some(format!("SELECT id AS text FROM {table} WHERE account_id = {joes} LIMIT 1"))
}

/// The nouns that belong to the cloud: anyone may name them who may call the command at all.
const OF_THE_CLOUD: &[Kind] = &[
    Kind::Role,
    Kind::RolePermission,
    Kind::Zone,
    Kind::Pod,
    Kind::Cluster,
    Kind::Host,
    Kind::StoragePool,
    Kind::ImageStore,
    Kind::OsType,
    Kind::OsCategory,
    Kind::NetworkOffering,
    Kind::PhysicalNetwork,
    Kind::TrafficType,
    Kind::ServiceOffering,
    Kind::DiskOffering,
    Kind::GpuCard,
    Kind::VgpuProfile,
    Kind::GpuDevice,
    Kind::GpuOffering,
    Kind::Server,
    Kind::Alert,
    Kind::GpuDrift,
];

struct Scene {
    world: World,
    joe: Client,
    boss: Client,
    /// Callers that have no business with Joe's things, by what they are.
    strangers: Vec<(&'static str, RoleType, Client)>,
    joes: BTreeMap<Kind, String>,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let domain = async |name: &str| {
        let made = world.admin.ok("createDomain", &[("name", name)]).await;
        made["domain"]["id"].as_str().expect("an id").to_owned()
    };
    let (home, away) = (domain("of joe").await, domain("away").await);
    let joe = world.member("joe", "0", Some(&home)).await;
    let boss = world.member("boss", "2", Some(&home)).await;
    let strangers = vec![
        ("user of the same domain", RoleType::User, world.member("eve", "0", Some(&home)).await),
        ("user of another domain", RoleType::User, world.member("far", "0", Some(&away)).await),
        ("domain admin", RoleType::DomainAdmin, world.member("king", "2", Some(&away)).await),
        ("resource admin", RoleType::ResourceAdmin, world.member("duke", "3", Some(&away)).await),
    ];
    let site = world.site([FakeShape::new("h").gpus(1)]).await;
    let size = world.size("s", 0).await;
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    let made = joe.call_async("deployVirtualMachine", &words).await;
    assert_eq!(made["jobstatus"], 1, "{made}");
    joe.ok("createSSHKeyPair", &[("name", "key")]).await;
    let words = [("name", "apart"), ("type", "host anti-affinity")];
    joe.call_async("createAffinityGroup", &words).await;
    joe.call_async("createProject", &[("name", "shared")]).await;
    for table in ["network", "template"] {
        world.run(&format!("UPDATE {table} SET account_id = (SELECT id FROM account WHERE name = 'joe'), domain_id = '{home}' WHERE name IN ('inside', 'debian')")).await;
    }
    world.run("UPDATE template SET is_public = 0").await;
    let mut joes = BTreeMap::new();
    for kind in Kind::ALL {
        match one_of_joes(*kind) {
            Some(query) => {
                let found = world.texts(&query).await;
                joes.insert(*kind, found.first().unwrap_or_else(|| panic!("no {kind:?}")).clone());
            }
            None => assert!(OF_THE_CLOUD.contains(kind), "{kind:?}: say whose it is"),
        }
    }
    Scene { world, joe, boss, strangers, joes }
}

/// All required parameters, and this one with this id.
fn words(params: &[ParamSpec], subject: &str, id: &str) -> Vec<(String, String)> {
    let mut all = vec![(subject.to_owned(), id.to_owned())];
    for param in params.iter().filter(|param| param.required && param.name != subject) {
        let name = param.name.to_owned();
        match param.kind {
            "map" => all.extend([
                (format!("{name}[0].key"), "a".into()),
                (format!("{name}[0].value"), "b".into()),
            ]),
            "uuid" => all.push((name, UNKNOWN.into())),
            "list" if param.entity.is_some() => all.push((name, UNKNOWN.into())),
            "short" | "integer" | "long" | "double" => all.push((name, "1".into())),
            "boolean" => all.push((name, "true".into())),
            _ => all.push((name, "x".into())),
        }
    }
    all
}

/// The parameters of a command that name something with an owner.
fn owned(entry: &Entry, joes: &BTreeMap<Kind, String>) -> Vec<(ParamSpec, String)> {
    let params = (entry.params)().into_iter();
    params.filter_map(|param| Some((param, joes.get(&param.entity?)?.clone()))).collect()
}

#[actix_web::test]
async fn what_belongs_to_others_does_not_exist() {
    let scene = scene().await;
    let before = scene.world.fingerprint();
    let mut tried = 0;
    for entry in Registry::new(ROOMS).all() {
        let (command, params) = (entry.spec.name, (entry.params)());
        for (param, foreign) in owned(entry, &scene.joes) {
            for (who, kind, client) in &scene.strangers {
                if !entry.spec.roles.contains(kind) || param.admin {
                    continue;
                }
                // who lives in the same domain may name it
                if param.entity == Some(Kind::Domain) && who.contains("same") {
                    continue;
                }
                let ask = async |id: &str| {
                    let pairs = words(&params, param.name, id);
                    let pairs: Vec<_> =
                        pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                    client.post(command, &pairs).await
                };
                let (theirs, nobodys) = (ask(&foreign).await, ask(UNKNOWN).await);
                let what = format!("{command} {} by a {who}: {}", param.name, theirs.text());
                assert_eq!(theirs.status, 431, "{what}");
                assert_eq!(theirs.text().replace(&foreign, UNKNOWN), nobodys.text(), "{what}");
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "only {tried} rows");
    assert_eq!(scene.world.fingerprint(), before);
}

#[actix_web::test]
async fn owners_and_those_above_find_what_is_theirs() {
    let scene = scene().await;
    for entry in Registry::new(ROOMS).all() {
        let lists = entry.spec.name.starts_with("list");
        let id = owned(entry, &scene.joes).into_iter().find(|(param, _)| param.name == "id");
        let Some((_, id)) = id.filter(|_| lists) else { continue };
        for client in [&scene.joe, &scene.boss, &scene.world.admin] {
            let mut words = vec![("id", id.as_str())];
            if entry.spec.name == "listTemplates" {
                words.push(("templatefilter", "executable"));
            }
            let answer = client.call(entry.spec.name, &words).await;
            assert!(
                answer.status == 432 || answer.inner()["count"] == 1,
                "{} {}",
                entry.spec.name,
                answer.text()
            );
        }
    }
}
