//! Networks: isolated ones with ranges of their own, shared ones on bridges, and who may see and change them.

use crate::{
    vm::futures,
    world::{World, site::instance},
    zone::{text, zone_pod_cluster},
};
use csgpu::hypervisor::fake::FakeShape;

async fn offering(world: &World, kind: &str) -> String {
    let listed = world.admin.ok("listNetworkOfferings", &[("guestiptype", kind)]).await;
    assert_eq!(listed["networkoffering"][0]["state"], "Enabled");
    text(&listed["networkoffering"][0]["id"])
}

#[tokio::test]
async fn isolated_networks_get_one_free_range_after_the_other() {
    let world = World::new().await;
    let (zone, ..) = zone_pod_cluster(&world).await;
    let offering = offering(&world, "Isolated").await;
    let mut seen = Vec::new();
    for name in ["one", "two", "three"] {
        let params = [("name", name), ("zoneid", &zone), ("networkofferingid", &offering)];
        let made = world.admin.ok("createNetwork", &params).await;
        seen.push(text(&made["network"]["cidr"]));
        assert_eq!(made["network"]["type"], "Isolated");
        assert_eq!(made["network"]["netmask"], "255.255.255.0");
    }
    assert_eq!(seen, ["10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"]);
    let listed = world.admin.ok("listNetworks", &[("name", "two"), ("listall", "true")]).await;
    let id = text(&listed["network"][0]["id"]);
    assert_eq!(listed["network"][0]["gateway"], "10.1.2.1");
    assert_eq!(listed["network"][0]["domainpath"], "ROOT");
    let job = world.admin.call_async("deleteNetwork", &[("id", &id)]).await;
    assert_eq!(job["jobresult"]["success"], true, "{job}");
    let params = [("name", "four"), ("zoneid", &zone), ("networkofferingid", &offering)];
    let made = world.admin.ok("createNetwork", &params).await;
    assert_eq!(made["network"]["cidr"], "10.1.2.0/24", "a range is free again");
}

#[tokio::test]
async fn two_networks_of_a_zone_never_overlap() {
    let world = World::new().await;
    let (zone, ..) = zone_pod_cluster(&world).await;
    let offering = offering(&world, "Isolated").await;
    let params = [
        ("name", "one"),
        ("zoneid", zone.as_str()),
        ("networkofferingid", offering.as_str()),
        ("gateway", "10.9.0.1"),
        ("netmask", "255.255.0.0"),
    ];
    let made = world.admin.ok("createNetwork", &params).await;
    assert_eq!(made["network"]["cidr"], "10.9.0.0/16");
    let mut inside = params;
    inside[3] = ("gateway", "10.9.7.1");
    inside[4] = ("netmask", "255.255.255.0");
    let refused = world.admin.call("createNetwork", &inside).await;
    assert_eq!(refused.status, 431);
    assert!(refused.error().contains("10.9.7.0/24 overlaps"), "{}", refused.error());
    inside[4] = ("netmask", "255.0.255.0");
    assert_eq!(world.admin.call("createNetwork", &inside).await.status, 431);
}

#[tokio::test]
async fn a_shared_network_is_a_bridge_of_the_hosts() {
    let world = World::new().await;
    let (zone, ..) = zone_pod_cluster(&world).await;
    let offering = offering(&world, "Shared").await;
    let shared = [
        ("name", "lab"),
        ("zoneid", zone.as_str()),
        ("networkofferingid", offering.as_str()),
        ("gateway", "192.168.7.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "192.168.7.10"),
        ("endip", "192.168.7.99"),
        ("vlan", "untagged"),
    ];
    let refused = world.admin.call("createNetwork", &shared).await;
    assert!(refused.error().contains("kvmnetworklabel"), "{}", refused.error());

    let params = [("name", "pnet"), ("zoneid", zone.as_str()), ("isolationmethods", "VLAN")];
    let job = world.admin.call_async("createPhysicalNetwork", &params).await;
    let physical = text(&job["jobresult"]["physicalnetwork"]["id"]);
    let traffic = [
        ("physicalnetworkid", physical.as_str()),
        ("traffictype", "guest"),
        ("kvmnetworklabel", "br0"),
    ];
    let job = world.admin.call_async("addTrafficType", &traffic).await;
    assert_eq!(job["jobresult"]["traffictype"]["traffictype"], "Guest", "{job}");
    let again = world.admin.call("addTrafficType", &traffic).await;
    assert_eq!(again.status, 431);
    let enable = [("id", physical.as_str()), ("state", "Enabled")];
    let job = world.admin.call_async("updatePhysicalNetwork", &enable).await;
    assert_eq!(job["jobresult"]["physicalnetwork"]["state"], "Enabled", "{job}");

    let mut tagged = shared;
    tagged[7] = ("vlan", "100");
    let refused = world.admin.call("createNetwork", &tagged).await;
    assert!(refused.error().starts_with("vlan 100 is not supported"), "{}", refused.error());
    let made = world.admin.ok("createNetwork", &shared).await;
    assert_eq!(made["network"]["acltype"], "Domain");
    assert_eq!(made["network"]["vlan"], "untagged");
    let refused = world.admin.call("deletePhysicalNetwork", &[("id", &physical)]).await;
    assert_eq!(refused.status, 536, "{}", refused.text());
    let refused = world.admin.call("deleteZone", &[("id", &zone)]).await;
    assert!(refused.error().contains("networks"), "{}", refused.error());
}

#[tokio::test]
async fn whoever_has_no_network_gets_one_with_the_first_instance() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    let size = world.size("one", 1).await;
    let user = world.user("novice").await;
    // else the network that is there for everyone is meant
    let job = world.admin.call_async("deleteNetwork", &[("id", &site.bridge)]).await;
    assert_eq!(job["jobresult"]["success"], true, "{job}");
    let mut words = site.deploy(&size);
    words.retain(|(name, _)| *name != "networkids");
    let own = || async { user.ok("listNetworks", &[("type", "Isolated")]).await };

    let explained = user.ok("explainPlacement", &words).await;
    assert_eq!(explained["placement"]["fits"], true, "{explained}");
    assert_eq!(own().await, serde_json::json!({}), "to explain changes nothing");

    let both =
        [user.call("deployVirtualMachine", &words), user.call("deployVirtualMachine", &words)];
    for answer in futures(both.into()).await {
        let job = user.finished(answer.inner()["jobid"].as_str().unwrap()).await;
        let vm = instance(&job);
        assert_eq!(vm["nic"][0]["networkname"], "novice-network", "{vm}");
    }
    let listed = own().await;
    assert_eq!(listed["count"], 1, "two at once make one: {listed}");
    let id = text(&listed["network"][0]["id"]);
    let events = user.ok("listEvents", &[("type", "NETWORK.CREATE")]).await;
    assert_eq!(events["event"][0]["resourceid"], id.as_str(), "{events}");
    world.settle().await;
}
