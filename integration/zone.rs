//! Zones, pods and clusters: made, listed, changed, and removed only when they are empty.

use crate::world::World;
pub use crate::world::places::{text, zone_pod_cluster};

#[tokio::test]
async fn a_zone_is_listed_as_it_was_made() {
    let world = World::new().await;
    let (zone, ..) = zone_pod_cluster(&world).await;
    let listed = world.admin.ok("listZones", &[("showcapacities", "true")]).await;
    assert_eq!(listed["count"], 1);
    let found = &listed["zone"][0];
    assert_eq!(found["id"], zone.as_str());
    assert_eq!(found["guestcidraddress"], "10.1.1.0/24");
    assert_eq!((&found["gputotal"], &found["gpuused"]), (&0.into(), &0.into()));
    assert_eq!(found["allocationstate"], "Enabled");
    assert_eq!(found["securitygroupsenabled"], false);
    let gpu = found["capacity"].as_array().expect("capacities").iter();
    assert!(gpu.clone().any(|row| row["type"] == 19 && row["percentused"] == "0"));
    assert_eq!(world.admin.ok("listZones", &[("keyword", "sand")]).await["count"], 1);
    assert_eq!(world.admin.ok("listZones", &[("name", "Sand")]).await, serde_json::json!({}));
}

#[tokio::test]
async fn a_pod_shows_its_range_as_clients_read_it() {
    let world = World::new().await;
    zone_pod_cluster(&world).await;
    let listed = world.admin.ok("listPods", &[("showcapacities", "true")]).await;
    let pod = &listed["pod"][0];
    assert_eq!(pod["startip"], serde_json::json!(["172.16.15.2"]));
    assert_eq!(pod["forsystemvms"], serde_json::json!(["0"]));
    assert_eq!(pod["ipranges"][0]["vlanid"], "vlan://untagged");
    assert_eq!(pod["zonename"], "Sandbox");
}

#[tokio::test]
async fn what_is_not_empty_cannot_be_deleted() {
    let world = World::new().await;
    let (zone, pod, cluster) = zone_pod_cluster(&world).await;
    let refused = world.admin.call("deleteZone", &[("id", &zone)]).await;
    assert_eq!(refused.status, 530);
    assert_eq!(refused.error(), "The zone is not deletable because there are pods in this zone");
    let refused = world.admin.call("deletePod", &[("id", &pod)]).await;
    assert_eq!(refused.error(), "The pod is not deletable because there are clusters in this pod");
    for (command, id) in [("deleteCluster", cluster), ("deletePod", pod), ("deleteZone", zone)] {
        assert_eq!(world.admin.ok(command, &[("id", &id)]).await["success"], true);
    }
    assert_eq!(world.admin.ok("listZones", &[]).await, serde_json::json!({}));
}

#[tokio::test]
async fn names_are_unique_and_free_again_after_removal() {
    let world = World::new().await;
    let (zone, pod, cluster) = zone_pod_cluster(&world).await;
    let again = [
        ("name", "sandbox"),
        ("dns1", "10.147.28.6"),
        ("internaldns1", "10.147.28.6"),
        ("networktype", "Advanced"),
    ];
    let refused = world.admin.call("createZone", &again).await;
    assert_eq!(refused.status, 431);
    assert!(refused.error().contains("already exists"), "{}", refused.error());
    for (command, id) in [("deleteCluster", cluster), ("deletePod", pod), ("deleteZone", zone)] {
        world.admin.ok(command, &[("id", &id)]).await;
    }
    world.admin.ok("createZone", &again).await;
}

#[tokio::test]
async fn bad_addresses_are_refused_and_change_nothing() {
    let world = World::new().await;
    let good = [
        ("name", "z"),
        ("dns1", "10.0.0.1"),
        ("internaldns1", "10.0.0.1"),
        ("networktype", "Advanced"),
        ("guestcidraddress", "10.1.1.0/24"),
    ];
    for (name, value) in [
        ("dns1", "10.0.0"),
        ("internaldns1", "<dns>"),
        ("networktype", "Tree"),
        ("guestcidraddress", "10.1.1.0/31"),
        ("guestcidraddress", "ten"),
    ] {
        let bad: Vec<(&str, &str)> =
            good.iter().map(|(k, v)| if *k == name { (*k, value) } else { (*k, *v) }).collect();
        let refused = world.admin.call("createZone", &bad).await;
        assert_eq!(refused.status, 431, "{name}={value}: {}", refused.text());
    }
    assert_eq!(world.admin.ok("listZones", &[]).await, serde_json::json!({}));
}
