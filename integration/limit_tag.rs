//! Limits for what asks for tags: counted beside the whole in the same statement, exact, moved with the offering.

use crate::gpu_claim::join_all;
use crate::world::{
    Client, World,
    places::text,
    site::{Site, instance},
};
use csgpu::{hypervisor::fake::FakeShape, store::seed::ROOT_DOMAIN};
use serde_json::{Value, json};

const HOST_TAGS: &str = "resource.limit.host.tags";
const STORAGE_TAGS: &str = "resource.limit.storage.tags";

async fn say(world: &World, name: &str, value: &str) {
    world.admin.ok("updateConfiguration", &[("name", name), ("value", value)]).await;
}

/// A site whose hosts and pools have the tags, and an offering of one GPU that asks for them.
async fn site(world: &World, hosts: usize) -> (Site, String) {
    let site = world.site((1..=hosts).map(|n| FakeShape::new(format!("h{n}")).gpus(4))).await;
    world.run("UPDATE host SET tags = 'fast,other', changed = UTC_TIMESTAMP(6)").await;
    world.run("UPDATE storage_pool SET tags = 'ssd'").await;
    let size = world.size("tagged", 1).await;
    tag(world, &size).await;
    (site, size)
}

/// An offering asks for the tags.
async fn tag(world: &World, size: &str) {
    let asks = "host_tags = 'fast', storage_tags = 'ssd'";
    world.run(&format!("UPDATE service_offering SET {asks} WHERE id = '{size}'")).await;
}

/// A deploy of a user.
fn deploy<'a>(site: &'a Site, size: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.push(("networkids", &site.bridge));
    words
}

/// What a caller's account has of a tag: the number of the type with total and limit.
async fn tagged(client: &Client, tag: &str) -> Vec<(i64, i64, i64)> {
    let account = client.ok("listAccounts", &[]).await["account"][0].clone();
    let all = account["taggedresources"].as_array().cloned().unwrap_or_default();
    let number = |one: &Value, name: &str| one[name].as_i64().expect("a number");
    all.iter()
        .filter(|one| one["tag"] == tag)
        .map(|one| (number(one, "resourcetype"), number(one, "total"), number(one, "limit")))
        .collect()
}

/// Only the totals of some types.
async fn totals(client: &Client, tag: &str, kinds: &[i64]) -> Vec<i64> {
    let all = tagged(client, tag).await;
    kinds.iter().map(|kind| all.iter().find(|one| one.0 == *kind).expect("a row").1).collect()
}

async fn limit(world: &World, account: &str, kind: &str, tag: &str, max: &str) {
    let root = ROOT_DOMAIN.to_string();
    let words = [("account", account), ("domainid", &root), ("resourcetype", kind)];
    let words = [&words[..], &[("tag", tag), ("max", max)]].concat();
    let set = world.admin.ok("updateResourceLimit", &words).await["resourcelimit"].clone();
    assert_eq!(
        (&set["tag"], &set["max"]),
        (&json!(tag), &json!(max.parse::<i64>().expect("a number")))
    );
}

#[actix_web::test]
async fn what_asks_for_a_tag_is_counted_apart_and_limited_apart() {
    let world = World::new().await;
    let (site, size) = site(&world, 1).await;
    let plain = world.size("plain", 1).await;
    let joe = world.user("joe").await;
    let before = instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    assert!(tagged(&joe, "fast").await.is_empty(), "no tag has limits");
    say(&world, HOST_TAGS, "fast, unused").await;
    say(&world, STORAGE_TAGS, "ssd").await;
    assert_eq!(totals(&joe, "fast", &[0, 8, 9, 16, 116]).await, [1, 2, 512, 1, 81920]);
    assert_eq!(totals(&joe, "ssd", &[2, 10]).await, [1, 2]);
    assert_eq!(totals(&joe, "unused", &[0, 16]).await, [0, 0]);
    limit(&world, "joe", "16", "fast", "2").await;
    let second = instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let refused = joe.call("deployVirtualMachine", &deploy(&site, &size)).await;
    assert_eq!(refused.status, 535, "{}", refused.text());
    let words =
        "Maximum amount of resources of Type = 'gpu', tag = 'fast' for Account Name = 'joe'";
    assert!(refused.error().starts_with(words), "{}", refused.error());
    // what asks for no tag is not concerned
    instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &plain)).await);
    assert_eq!(totals(&joe, "fast", &[0, 16]).await, [2, 2]);
    let listed = joe.ok("listResourceLimits", &[("tag", "fast"), ("resourcetype", "16")]).await;
    assert_eq!((&listed["count"], &listed["resourcelimit"][0]["max"]), (&json!(1), &json!(2)));
    for vm in [&before, &second] {
        let id = text(&vm["id"]);
        let gone = [("id", id.as_str()), ("expunge", "true")];
        instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    }
    assert_eq!(totals(&joe, "fast", &[0, 8, 9, 16, 116]).await, [0; 5]);
    assert_eq!(totals(&joe, "ssd", &[2, 10]).await, [0, 0]);
    say(&world, HOST_TAGS, "").await;
    assert!(tagged(&joe, "fast").await.is_empty());
    assert_eq!(tagged(&joe, "ssd").await.len(), 2);
    world.settle().await;
}

#[actix_web::test]
async fn a_recount_finds_the_same_and_an_offering_takes_its_tags_along() {
    let world = World::new().await;
    let (site, size) = site(&world, 1).await;
    let other = world.size("other", 1).await;
    let home = world.domain("home", None).await;
    let joe = world.member("joe", "0", Some(&home)).await;
    say(&world, HOST_TAGS, "fast").await;
    // an owner that comes later is counted too
    let eve = world.member("eve", "0", Some(&home)).await;
    assert_eq!(totals(&eve, "fast", &[0, 16]).await, [0, 0]);
    let vm = instance(&joe.call_async("deployVirtualMachine", &deploy(&site, &size)).await);
    let id = text(&vm["id"]);
    let rows = "SELECT CONCAT(owner_id, ' ', kind, ' ', used) AS text FROM resource_count WHERE kind >= 1000
        AND owner_id <> (SELECT id FROM domain WHERE parent_id IS NULL) ORDER BY 1";
    let before = world.texts(rows).await;
    assert!(before.contains(&format!("{home} 1016 1")), "{before:?}");
    world.run("UPDATE resource_count SET used = used + 5 WHERE kind >= 1000").await;
    let words = [("domainid", home.as_str()), ("tag", "fast")];
    let mended = world.admin.ok("updateResourceCount", &words).await;
    assert_eq!(mended["count"], 5);
    for account in ["admin", "system"] {
        let words = [("account", account), ("domainid", &*ROOT_DOMAIN.to_string())];
        world.admin.ok("updateResourceCount", &words).await;
    }
    assert_eq!(world.texts(rows).await, before);
    // the name of the tag may go from the offering: what was charged is what is freed
    world.run("UPDATE service_offering SET host_tags = NULL WHERE name = 'tagged'").await;
    instance(&joe.call_async("stopVirtualMachine", &[("id", &id)]).await);
    assert_eq!(totals(&joe, "fast", &[0, 16]).await, [1, 1], "a stopped instance keeps its device");
    let change = [("id", id.as_str()), ("serviceofferingid", other.as_str())];
    joe.ok("changeServiceForVirtualMachine", &change).await;
    assert_eq!(totals(&joe, "fast", &[0, 8, 9, 16]).await, [0; 4]);
    tag(&world, &size).await;
    let change = [("id", id.as_str()), ("serviceofferingid", size.as_str())];
    joe.ok("changeServiceForVirtualMachine", &change).await;
    assert_eq!(totals(&joe, "fast", &[0, 8, 9, 16]).await, [1, 2, 512, 1]);
    world.settle().await;
}

#[actix_web::test]
async fn of_many_at_the_limit_of_a_tag_the_allowed_number_wins() {
    let world = World::new().await;
    let (site, size) = site(&world, 4).await;
    let home = world.domain("home", None).await;
    let joe = world.member("joe", "0", Some(&home)).await;
    say(&world, HOST_TAGS, "fast").await;
    let words = [("domainid", home.as_str()), ("resourcetype", "16"), ("tag", "fast")];
    world.admin.ok("updateResourceLimit", &[&words[..], &[("max", "5")]].concat()).await;
    let words = deploy(&site, &size);
    let answers = join_all((0..12).map(|_| joe.call("deployVirtualMachine", &words))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 5);
    let refused = answers.iter().find(|answer| answer.status == 535).expect("a refusal");
    assert!(refused.error().contains("Type 'gpu (tag: fast)'"), "{}", refused.error());
    world.check_invariants();
    world.settle().await;
    assert_eq!(totals(&joe, "fast", &[0, 16]).await, [5, 5]);
}

#[actix_web::test]
async fn limits_of_tags_that_cannot_be_are_refused() {
    let world = World::new().await;
    world.user("joe").await;
    say(&world, HOST_TAGS, "fast").await;
    let root = ROOT_DOMAIN.to_string();
    let refused = async |kind: &str, tag: &str, max: &str| {
        let words = [("account", "joe"), ("domainid", root.as_str()), ("resourcetype", kind)];
        let words = [&words[..], &[("tag", tag), ("max", max)]].concat();
        let answer = world.admin.call("updateResourceLimit", &words).await;
        assert_eq!(answer.status, 431, "{}", answer.text());
        answer.error().to_owned()
    };
    let text = "Resource limit with a tag is not supported for resource type 4";
    assert_eq!(refused("4", "fast", "1").await, text);
    let text = "slow is none of the tags that resource.limit.host.tags names";
    assert_eq!(refused("16", "slow", "1").await, text);
    let text = "fast is none of the tags that resource.limit.storage.tags names";
    assert_eq!(refused("2", "fast", "1").await, text);
    let text = "Maximum untagged resource limit for resource type gpu is 20, please specify a value less than or equal to that";
    assert_eq!(refused("16", "fast", "21").await, text);
    let long = "x".repeat(191);
    let words = [("name", HOST_TAGS), ("value", long.as_str())];
    assert_eq!(world.admin.call("updateConfiguration", &words).await.status, 431);
}
