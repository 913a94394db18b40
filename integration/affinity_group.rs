//! Affinity groups: in CloudStack's words, obeyed at deploy and at start, also when many come at once.

use crate::gpu_claim::join_all;
use crate::world::{
    Client, World,
    places::text,
    site::{Site, instance},
};
use csgpu::{hypervisor::fake::FakeShape, store::seed::ROOT_DOMAIN};
use serde_json::json;
use std::collections::BTreeSet;

/// A zone with hosts of four GPUs each.
async fn site(world: &World, hosts: usize) -> Site {
    world.site((1..=hosts).map(|n| FakeShape::new(format!("h{n}")).gpus(4))).await
}

async fn group(client: &Client, name: &str, kind: &str) -> String {
    let made = client.call_async("createAffinityGroup", &[("name", name), ("type", kind)]).await;
    assert_eq!(made["jobstatus"], 1, "{made}");
    text(&made["jobresult"]["affinitygroup"]["id"])
}

/// A deploy of a user in these groups.
fn deploy<'a>(site: &'a Site, size: &'a str, groups: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut words = site.deploy(size);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", site.bridge.as_str()), ("affinitygroupids", groups)]);
    words
}

async fn deployed(client: &Client, words: &[(&str, &str)]) -> String {
    text(&instance(&client.call_async("deployVirtualMachine", words).await)["id"])
}

/// The hosts of all instances, one word each.
async fn hosts(world: &World) -> Vec<String> {
    world.texts("SELECT host_id AS text FROM vm WHERE host_id IS NOT NULL ORDER BY 1").await
}

#[actix_web::test]
async fn a_group_is_made_listed_and_deleted_in_cloudstacks_words() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let types = joe.ok("listAffinityGroupTypes", &[]).await;
    let names: Vec<&str> = (types["affinityGroupType"].as_array().expect("types").iter())
        .filter_map(|kind| kind["type"].as_str())
        .collect();
    let all = [
        "host affinity",
        "host anti-affinity",
        "non-strict host affinity",
        "non-strict host anti-affinity",
    ];
    assert_eq!((&types["count"], names.as_slice()), (&json!(4), all.as_slice()));
    let words = [("name", "web"), ("type", all[1]), ("description", "the front")];
    let made = joe.call_async("createAffinityGroup", &words).await;
    let made = &made["jobresult"]["affinitygroup"];
    let id = text(&made["id"]);
    let expected = json!({
        "id": id, "name": "web", "description": "the front", "account": "joe", "domainid": ROOT_DOMAIN.to_string(),
        "domain": "ROOT", "domainpath": "ROOT", "type": "host anti-affinity",
    });
    assert_eq!(made, &expected);
    let listed = joe.ok("listAffinityGroups", &[("name", "web")]).await;
    assert_eq!((&listed["count"], &listed["affinitygroup"][0]), (&json!(1), &expected));
    assert_eq!(eve.ok("listAffinityGroups", &[]).await, json!({}));
    let twice = joe.call("createAffinityGroup", &words).await;
    assert_eq!(
        (twice.status, twice.error()),
        (431, "Unable to create affinity group, a group with name web already exists.")
    );
    let bad = joe.call("createAffinityGroup", &[("name", "x"), ("type", "y")]).await;
    assert!(
        bad.error()
            .starts_with("Unable to create affinity group, invalid affinity group type: y. Valid")
    );
    let neither = joe.call("deleteAffinityGroup", &[]).await;
    assert_eq!(
        neither.error(),
        "Either the affinity group Id or group name must be specified to delete the group"
    );
    let unknown = eve.call("deleteAffinityGroup", &[("name", "web")]).await;
    assert_eq!((unknown.status, unknown.error()), (431, "Unable to find affinity group web"));
    let gone = joe.call_async("deleteAffinityGroup", &[("name", "web")]).await;
    assert_eq!((&gone["jobstatus"], &gone["jobresult"]["success"]), (&json!(1), &json!(true)));
    assert_eq!(joe.ok("listAffinityGroups", &[]).await, json!({}));
}

#[actix_web::test]
async fn instances_of_an_anti_affinity_group_never_share_a_host_and_a_refusal_says_so() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 2).await, world.user("joe").await);
    let size = world.size("one", 1).await;
    let apart = group(&joe, "apart", "host anti-affinity").await;
    let words = deploy(&site, &size, &apart);
    let first = instance(&joe.call_async("deployVirtualMachine", &words).await);
    assert_eq!(
        first["affinitygroup"],
        json!([{"id": apart, "name": "apart", "account": "joe", "type": "host anti-affinity"}])
    );
    let named: Vec<(&str, &str)> = (words.iter())
        .map(|(key, value)| match *key {
            "affinitygroupids" => ("affinitygroupnames", "apart"),
            key => (key, *value),
        })
        .collect();
    let second = deployed(&joe, &named).await;
    let there = hosts(&world).await;
    assert!(there.len() == 2 && there[0] != there[1], "{there:?}");
    let refused = world.admin.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 531, "somebody else's group: {}", refused.text());
    let refused = joe.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    let told = joe.ok("explainPlacement", &words).await;
    assert_eq!(told["placement"]["fits"], false);
    let root = ROOT_DOMAIN.to_string();
    let mut as_admin = words.clone();
    as_admin.extend([("account", "joe"), ("domainid", root.as_str())]);
    let told = world.admin.ok("explainPlacement", &as_admin).await["placement"].clone();
    assert_eq!(
        told["reasons"],
        json!([{"hosts": 2, "reason": "with instances of its anti-affinity group"}]),
        "{told}"
    );
    let listed = joe.ok("listAffinityGroups", &[("virtualmachineid", &second)]).await;
    assert_eq!(listed["affinitygroup"][0]["virtualmachineIds"].as_array().map(Vec::len), Some(2));
    let both = joe.ok("listVirtualMachines", &[("affinitygroupid", &apart)]).await;
    assert_eq!(both["count"], 2);
    // room again as soon as one is gone
    let gone = [("id", second.as_str()), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &gone).await);
    deployed(&joe, &words).await;
    world.settle().await;
}

#[actix_web::test]
async fn an_affinity_group_keeps_instances_together_and_a_wish_gives_way() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 2).await, world.user("joe").await);
    let size = world.size("two", 2).await;
    let together = group(&joe, "together", "host affinity").await;
    let words = deploy(&site, &size, &together);
    for _ in 0..2 {
        deployed(&joe, &words).await;
    }
    let there: BTreeSet<String> = hosts(&world).await.into_iter().collect();
    assert_eq!(there.len(), 1);
    let refused = joe.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 533, "the other host is empty, and not with the others");
    let rather = group(&joe, "rather", "non-strict host affinity").await;
    let words = deploy(&site, &size, &rather);
    deployed(&joe, &words).await;
    let rather_not = group(&joe, "rather not", "non-strict host anti-affinity").await;
    let both = format!("{rather},{rather_not}");
    deployed(&joe, &deploy(&site, &size, &both)).await;
    assert_eq!(hosts(&world).await.len(), 4, "four pairs fill two hosts, whatever was wished");
    world.settle().await;
}

#[actix_web::test]
async fn who_asks_for_no_gpus_follows_a_wish_to_a_host_with_gpus() {
    let world = World::new().await;
    let mut site = site(&world, 1).await;
    world.add_rack(&mut site, FakeShape::new("plain").gpus(1)).await;
    let plain = site.racks[1].id;
    world.run(&format!("UPDATE gpu_device SET alive = NULL WHERE host_id = '{plain}'")).await;
    let joe = world.user("joe").await;
    let (size, none) = (world.size("one", 1).await, world.size("none", 0).await);
    let rather = group(&joe, "rather", "non-strict host affinity").await;
    deployed(&joe, &deploy(&site, &size, &rather)).await;
    deployed(&joe, &deploy(&site, &none, &rather)).await;
    let there: BTreeSet<String> = hosts(&world).await.into_iter().collect();
    assert_eq!(there.len(), 1, "beside the first, although the other host has no GPUs");
    let apart = group(&joe, "apart", "non-strict host anti-affinity").await;
    deployed(&joe, &deploy(&site, &none, &apart)).await;
    deployed(&joe, &deploy(&site, &none, &apart)).await;
    let there: BTreeSet<String> = hosts(&world).await.into_iter().collect();
    assert_eq!(there.len(), 2, "the first on the plain host, the second rather not beside it");
    world.settle().await;
}

#[actix_web::test]
async fn a_stopped_instance_changes_groups_and_its_start_obeys() {
    let mut world = World::new().await;
    world.restart_with(|settings| settings.detach_on_stop = true).await;
    let (site, joe) = (site(&world, 1).await, world.user("joe").await);
    let size = world.size("one", 1).await;
    let apart = group(&joe, "apart", "host anti-affinity").await;
    deployed(&joe, &deploy(&site, &size, &apart)).await;
    let other = deployed(&joe, &deploy(&site, &size, "")).await;
    let words = [("id", other.as_str()), ("affinitygroupnames", "apart")];
    let refused = joe.call("updateVMAffinityGroup", &words).await;
    assert_eq!(
        (refused.status, refused.error()),
        (
            431,
            format!("Unable update affinity groups of the virtual machine {other} in state Running; make sure the virtual machine is stopped and not in an error state before updating.").as_str()
        )
    );
    assert!(refused.json.get("updatevirtualmachineresponse").is_some(), "{}", refused.text());
    instance(&joe.call_async("stopVirtualMachine", &[("id", &other)]).await);
    let changed = instance(&joe.call_async("updateVMAffinityGroup", &words).await);
    assert_eq!(changed["affinitygroup"][0]["name"], "apart");
    let refused = joe.call("startVirtualMachine", &[("id", &other)]).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    let out = [("id", other.as_str()), ("affinitygroupids", "")];
    let changed = instance(&joe.call_async("updateVMAffinityGroup", &out).await);
    assert_eq!(changed["affinitygroup"], json!([]));
    instance(&joe.call_async("startVirtualMachine", &[("id", &other)]).await);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deploys_at_once_by_three_servers_no_two_of_a_strict_group_share_a_host() {
    let world = World::new().await;
    let (site, joe) = (site(&world, 4).await, world.user("joe").await);
    let size = world.size("one", 1).await;
    let apart = group(&joe, "apart", "host anti-affinity").await;
    let together = group(&joe, "together", "host affinity").await;
    let (second, _) = world.another_server().await;
    let (third, _) = world.another_server().await;
    let clients = [joe.clone(), joe.at(second.address), joe.at(third.address)];
    let words = deploy(&site, &size, &apart);
    let answers =
        join_all((0..18).map(|n| clients[n % 3].call("deployVirtualMachine", &words))).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    let others: Vec<String> =
        answers.iter().filter(|a| ![200, 533].contains(&a.status)).map(|a| a.text()).collect();
    assert_eq!((count(200), count(533)), (4, 14), "{others:?}");
    let there = hosts(&world).await;
    assert_eq!(there.iter().collect::<BTreeSet<_>>().len(), there.len(), "{there:?}");
    // and a group that must be together finds its one host, whoever comes first
    let words = deploy(&site, &size, &together);
    let answers =
        join_all((0..3).map(|n| clients[n % 3].call("deployVirtualMachine", &words))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let query = "SELECT DISTINCT v.host_id AS text FROM vm v JOIN affinity_member m ON m.vm_id = v.id \
        JOIN affinity_group g ON g.id = m.group_id WHERE g.name = 'together'";
    assert_eq!(world.texts(query).await.len(), 1);
    world.check_invariants();
    world.settle().await;
}
