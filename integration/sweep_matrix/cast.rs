//! The cast of the matrix: accounts that stand to each other in every way, each with one thing of every noun.

use super::rules::{CALLERS, Class, Who, Whose, class};
use crate::world::{Client, Site, World, reader};
use csgpu::{
    command::Kernel,
    domain::{Kind, identity::Caller},
    hypervisor::fake::FakeShape,
};
use std::{collections::HashMap, sync::Arc};

/// Everyone who owns things; the last is a project.
pub const PARTIES: [&str; 11] =
    ["admin", "zrita", "zduke", "zboss", "zjoe", "zrob", "zmia", "zeve", "zkid", "zfar", "zshared"];

/// A cloud with everybody in it, and a server that can only read its database: whatever is asked there changes nothing.
pub struct Cast {
    pub world: World,
    pub kernel: Kernel,
    callers: Vec<(Who, Arc<Caller>)>,
    things: HashMap<(&'static str, Kind), String>,
    cloud: HashMap<Kind, String>,
}

/// The account that a caller acts for.
pub const fn name(who: Who) -> &'static str {
    match who {
        Who::Root => "admin",
        Who::ReadOnlyRoot => "zrita",
        Who::ResourceAdmin => "zduke",
        Who::DomainAdmin => "zboss",
        Who::User => "zjoe",
        Who::ReadOnlyUser => "zrob",
        Who::ProjectMember => "zmia",
    }
}

/// The account that stands so to a caller.
pub const fn party(who: Who, whose: Whose) -> &'static str {
    match whose {
        Whose::Own => name(who),
        Whose::SameDomain => "zeve",
        Whose::ChildDomain => "zkid",
        Whose::Foreign => "zfar",
        Whose::Project => "zshared",
    }
}

impl Cast {
    pub async fn new() -> Self {
        let world = World::new().await;
        let home = world.domain("zhome", None).await;
        let (child, away) =
            (world.domain("zchild", Some(&home)).await, world.domain("zaway", None).await);
        let site = world.site([FakeShape::new("h").gpus(1)]).await;
        world.found_clusters().await;
        let size = world.size("s", 0).await;
        let mut clients = HashMap::new();
        for party in PARTIES {
            let (kind, home) = match party {
                "admin" | "zshared" => continue,
                "zrita" => ("0", None),
                "zduke" => ("3", Some(&home)),
                "zboss" => ("2", Some(&home)),
                "zkid" => ("0", Some(&child)),
                "zfar" => ("0", Some(&away)),
                _ => ("0", Some(&home)),
            };
            clients.insert(party, world.member(party, kind, home.map(String::as_str)).await);
        }
        clients.insert("admin", world.admin.clone());
        for (party, client) in &clients {
            furnish(&world, &site, &size, client, party, None).await;
        }
        let eve = &clients["zeve"];
        let made = eve.call_async("createProject", &[("name", "zshared-project")]).await;
        let shared = made["jobresult"]["project"]["id"].as_str().expect("a project").to_owned();
        let words = [("projectid", shared.as_str()), ("account", "zmia")];
        assert_eq!(eve.call_async("addAccountToProject", &words).await["jobstatus"], 1);
        furnish(&world, &site, &size, &clients["zmia"], "zshared", Some(&shared)).await;
        for (party, role) in
            [("zrita", "Read-Only Admin - Default"), ("zrob", "Read-Only User - Default")]
        {
            let role = format!("SELECT id FROM role WHERE name = '{role}'");
            world
                .run(&format!("UPDATE account SET role_id = ({role}) WHERE name = '{party}'"))
                .await;
        }
        let kernel = reader::kernel(&world).await;
        let mut callers = Vec::new();
        for who in CALLERS {
            let found = kernel.authenticate(clients[name(who)].api_key()).await;
            callers.push((who, found.expect("the database").expect("a caller").caller));
        }
        let mut cast =
            Self { world, kernel, callers, things: HashMap::new(), cloud: HashMap::new() };
        cast.gather().await;
        cast
    }

    /// A caller.
    pub fn caller(&self, who: Who) -> Arc<Caller> {
        let found = self.callers.iter().find(|(of, _)| *of == who);
        Arc::clone(&found.expect("everybody is in the cast").1)
    }

    /// The id of what this party has of a noun.
    pub fn thing(&self, party: &'static str, kind: Kind) -> Option<&str> {
        self.things.get(&(party, kind)).map(String::as_str)
    }

    /// The id of something of the cloud.
    pub fn of_the_cloud(&self, kind: Kind) -> Option<&str> {
        self.cloud.get(&kind).map(String::as_str)
    }

    async fn gather(&mut self) {
        for kind in Kind::ALL.iter().copied() {
            if class(kind) == Class::Cloud {
                let found = self.world.texts(&of_the_cloud(kind)).await;
                self.cloud.extend(found.first().map(|id| (kind, id.clone())));
                continue;
            }
            for party in PARTIES {
                if party == "zshared" && !matches!(class(kind), Class::Owned | Class::Account) {
                    continue;
                }
                let found = self.world.texts(&one_of(kind, party)).await;
                let id = found.first().unwrap_or_else(|| panic!("{party} has no {kind:?}"));
                self.things.insert((party, kind), id.clone());
            }
        }
    }
}

/// Gives a party one thing of every noun that has an owner.
async fn furnish(
    world: &World,
    site: &Site,
    size: &str,
    client: &Client,
    party: &str,
    project: Option<&str>,
) {
    let name = |what: &str| format!("{party}-{what}");
    let (vm, key, group) = (name("vm"), name("key"), name("group"));
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", site.bridge.as_str()), ("startvm", "false"), ("name", &vm)]);
    words.extend(project.map(|project| ("projectid", project)));
    let made = client.call_async("deployVirtualMachine", &words).await;
    assert_eq!(made["jobstatus"], 1, "{made}");
    let owner = project.map(|project| ("projectid", project));
    let with = |mut words: Vec<(&'static str, String)>| {
        words.extend(owner.map(|(name, value)| (name, value.to_owned())));
        words
    };
    let words = with(vec![("name", key)]);
    let words: Vec<_> = words.iter().map(|(k, v)| (*k, v.as_str())).collect();
    client.ok("createSSHKeyPair", &words).await;
    let words = with(vec![("name", group), ("type", "host anti-affinity".to_owned())]);
    let words: Vec<_> = words.iter().map(|(k, v)| (*k, v.as_str())).collect();
    assert_eq!(client.call_async("createAffinityGroup", &words).await["jobstatus"], 1);
    if project.is_none() {
        let project = name("project");
        let made = client.call_async("createProject", &[("name", &project)]).await;
        assert_eq!(made["jobstatus"], 1, "{made}");
    }
    let account = account_of(party);
    for (table, model, columns) in [
        ("network", "inside", "zone_id, offering_id, display_text, guest_type, acl_type, state"),
        (
            "template",
            "debian",
            "os_type_id, display_text, kind, format, hypervisor, arch, size, virtual_size, is_featured, is_extractable, state, status, percent",
        ),
    ] {
        let (public, private) = match table {
            "template" => (", is_public", ", 0"),
            _ => ("", ""),
        };
        world
            .run(&format!(
                "INSERT INTO {table} (id, account_id, domain_id, name{public}, {columns})
                 SELECT '{}', a.id, a.domain_id, '{party}-{table}'{private}, m.{} FROM {table} m
                 JOIN account a ON a.id = ({account}) WHERE m.name = '{model}'",
                uuid::Uuid::now_v7(),
                columns.replace(", ", ", m."),
            ))
            .await;
    }
}

/// The account of a party.
fn account_of(party: &str) -> String {
    match party {
        "zshared" => "SELECT account_id FROM project WHERE name = 'zshared-project'".to_owned(),
        _ => format!("SELECT id FROM account WHERE name = '{party}' AND is_project = 0"),
    }
}

/// Where a party's thing of this noun is found.
fn one_of(kind: Kind, party: &str) -> String {
    let account = account_of(party);
    let table = match kind {
        Kind::Domain => {
            return format!("SELECT domain_id AS text FROM account WHERE id = ({account})");
        }
        Kind::Account => return format!("SELECT id AS text FROM account WHERE id = ({account})"),
        Kind::Project => {
            return format!("SELECT id AS text FROM project WHERE name = '{party}-project'");
        }
        Kind::Nic => {
            return format!(
                "SELECT nic.id AS text FROM nic JOIN vm ON vm.id = nic.vm_id WHERE vm.account_id = ({account})"
            );
        }
        Kind::User => "user",
        Kind::Template => "template",
        Kind::Network => "network",
        Kind::Volume => "volume",
        Kind::Vm => "vm",
        Kind::SshKeyPair => "ssh_key_pair",
        Kind::AffinityGroup => "affinity_group",
        Kind::Job => "job",
        Kind::Event => "event",
        other => panic!("{other:?}: say here where a party's is found"),
    };
    // the newest: what an account of a cloud's first hour has may be public
    format!(
        "SELECT id AS text FROM {table} WHERE account_id = ({account}) ORDER BY id DESC LIMIT 1"
    )
}

/// Where something of the cloud is found.
fn of_the_cloud(kind: Kind) -> String {
    let table = match kind {
        Kind::RolePermission => "role_rule".to_owned(),
        other => format!("{other:?}").chars().fold(String::new(), |mut text, letter| {
            if letter.is_uppercase() && !text.is_empty() {
                text.push('_');
            }
            text.extend(letter.to_lowercase());
            text
        }),
    };
    format!("SELECT id AS text FROM {table} LIMIT 1")
}
