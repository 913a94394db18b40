//! What owners are shown of their limits: every resource, and how many of their instances run.

use crate::world::{
    Client, World,
    places::text,
    site::{Site, instance},
};
use csgpu::{domain::resource::Resource, hypervisor::fake::FakeShape, store::seed::ROOT_DOMAIN};
use serde_json::Value;

async fn site(world: &World) -> Site {
    world.site([FakeShape::new("h").gpus(1)]).await
}

/// The words of a deploy in the network that everyone may use.
fn deploy<'a>(site: &'a Site, size: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    words
}

/// The client's own account as it is listed.
async fn account(client: &Client) -> Value {
    client.ok("listAccounts", &[]).await["account"][0].clone()
}

/// What an owner is shown of everything: limit, total and what is available, in order of the resources' numbers.
fn shown(owner: &Value) -> Vec<(&'static str, [String; 3])> {
    let of = |resource: &Resource| {
        let fields = resource.fields().map(|field| owner[field].to_string().replace('"', ""));
        (resource.name(), fields)
    };
    Resource::ALL.iter().filter(|it| !owner[it.fields()[0]].is_null()).map(of).collect()
}

#[actix_web::test]
async fn every_resource_is_shown_as_it_is_limited_and_counted() {
    let world = World::new().await;
    let home = world.domain("home", None).await;
    let joe = world.member("joe", "0", Some(&home)).await;
    let made = joe.call_async("createProject", &[("name", "ours")]).await;
    let ours = text(&made["jobresult"]["project"]["id"]);
    // each resource of each owner another limit and another count
    let numbers = "UPDATE resource_count SET max = (100 + kind) * IF(kind IN (10, 11, 13, 15), 1073741824, 1),
        used = (20 + kind) * IF(kind IN (10, 11, 13, 15), 1073741824, 1)";
    let was = "CREATE TABLE was AS SELECT * FROM resource_count";
    let root = ROOT_DOMAIN.to_string();
    world.run(was).await;
    world.run(&format!("{numbers} WHERE owner_id <> '{root}'")).await;
    let account = joe.ok("listAccounts", &[]).await["account"][0].clone();
    let domain = world.admin.ok("listDomains", &[("id", &home)]).await["domain"][0].clone();
    let project = joe.ok("listProjects", &[]).await["project"][0].clone();
    for (owner, words, count) in [
        (account, vec![("account", "joe"), ("domainid", home.as_str())], 18),
        (domain, vec![("domainid", home.as_str())], 18),
        (project, vec![("projectid", ours.as_str())], 17),
    ] {
        let shown = shown(&owner);
        assert_eq!(shown.len(), count, "{words:?} {owner}");
        let limits = world.admin.ok("listResourceLimits", &words).await;
        for row in limits["resourcelimit"].as_array().expect("limits") {
            let kind: i64 = text(&row["resourcetype"]).parse().expect("a number");
            let found = shown.iter().find(|(name, _)| row["resourcetypename"] == *name);
            let Some((name, found)) = found else {
                assert_eq!((kind, count), (5, 17), "a project has no projects: {row}");
                continue;
            };
            assert_eq!(row["max"], 100 + kind, "{name}");
            let total = found[1].parse::<f64>().expect("a number");
            assert_eq!((&*found[0], total), (&*(100 + kind).to_string(), 20.0 + kind as f64));
            assert_eq!(found[2], "80", "{name}");
        }
    }
    world.run("DELETE FROM resource_count").await;
    world.run("INSERT INTO resource_count SELECT * FROM was").await;
    world.run("DROP TABLE was").await;
}

#[actix_web::test]
async fn an_account_and_a_project_say_how_many_of_their_instances_run() {
    let world = World::new().await;
    let (site, joe) = (site(&world).await, world.user("joe").await);
    let size = world.size("none", 0).await;
    let made = joe.call_async("createProject", &[("name", "ours")]).await;
    let ours = text(&made["jobresult"]["project"]["id"]);
    let power = |owner: &Value| [owner["vmrunning"].as_i64(), owner["vmstopped"].as_i64()];
    let both = async || {
        let project = joe.ok("listProjects", &[("id", &ours)]).await["project"][0].clone();
        [power(&account(&joe).await), power(&project)]
    };
    assert_eq!(both().await, [[Some(0), Some(0)]; 2]);
    for _ in 0..2 {
        instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    }
    let mut words = deploy(&site, &size);
    words.extend([("projectid", ours.as_str()), ("startvm", "false")]);
    let idle = instance(&joe.call_async("deployVirtualMachine", &words).await);
    assert_eq!(both().await, [[Some(2), Some(0)], [Some(0), Some(1)]]);
    let gone = [("id", idle["id"].as_str().expect("an id")), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    assert_eq!(both().await, [[Some(2), Some(0)], [Some(0), Some(0)]]);
    let mine = joe.ok("listVirtualMachines", &[]).await["virtualmachine"][0]["id"].clone();
    let mine = [("id", mine.as_str().expect("an id"))];
    instance(&joe.call_async("stopVirtualMachine", &mine).await);
    assert_eq!(both().await[0], [Some(1), Some(1)]);
    let domain = world.admin.ok("listDomains", &[]).await["domain"][0].clone();
    assert!(domain.get("vmrunning").is_none(), "as in CloudStack");
    world.settle().await;
}
