//! Hosts: added with the answer saying what is wrong, listed, switched, put into maintenance, removed.

use crate::{
    world::World,
    zone::{text, zone_pod_cluster},
};
use csgpu::hypervisor::fake::FakeShape;

/// Adds a host; the whole answer.
async fn add(
    world: &World,
    places: &(String, String, String),
    more: &[(&str, &str)],
) -> crate::world::client::Answer {
    let (zone, pod, cluster) = places;
    let mut params = vec![
        ("zoneid", zone.as_str()),
        ("podid", pod.as_str()),
        ("clusterid", cluster.as_str()),
        ("hypervisor", "KVM"),
    ];
    params.extend(more);
    world.admin.call("addHost", &params).await
}

#[tokio::test]
async fn a_host_is_added_and_listed_with_what_it_has() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    world.fakes.add(FakeShape::new("h1").gpus(4).cpus(32).memory(64 << 30));
    let answer = add(&world, &places, &[("url", "fake://h1"), ("hosttags", "gpu,fast")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.inner()["count"], 1, "addHost answers in the shape of a list");
    let id = text(&answer.inner()["host"][0]["id"]);
    let listed = world.admin.ok("listHosts", &[("type", "Routing"), ("id", &id)]).await;
    let host = &listed["host"][0];
    assert_eq!(host["state"], "Up");
    assert_eq!(host["resourcestate"], "Enabled");
    assert_eq!(host["type"], "Routing");
    assert_eq!(host["cpunumber"], 32);
    assert_eq!(host["memorytotal"], 64_i64 << 30);
    assert_eq!(host["memorywithoverprovisioning"], (64_i64 << 30).to_string());
    assert_eq!(host["cpuallocated"], "0%");
    assert_eq!(host["hosttags"], "gpu,fast");
    assert_eq!(host["clustername"], "C0");
    let zoned = world.admin.ok("listHosts", &[("zoneid", &places.0), ("state", "Up")]).await;
    assert_eq!(zoned["count"], 1);
    let others = world.admin.ok("listHosts", &[("type", "SecondaryStorageVM")]).await;
    assert_eq!(others, serde_json::json!({}));
}

#[tokio::test]
async fn the_display_chip_of_a_management_controller_is_left_out_and_told() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    let fake = world.fakes.add(FakeShape::new("h1").gpus(2));
    fake.change(|all| all[0].vendor_id = 0x1a03);
    let added = add(&world, &places, &[("url", "fake://h1")]).await;
    let id = text(&added.inner()["host"][0]["id"]);
    let devices = world.admin.ok("discoverGpuDevices", &[("id", &id)]).await;
    assert_eq!(devices["count"], 1, "{devices}");
    let host = world.admin.ok("listHosts", &[("id", &id)]).await["host"][0].clone();
    let told = host["details"]["gpusleftout"].as_str().expect("what was left out");
    assert!(told.starts_with("11:00.0 ") && told.contains("management controller"), "{told}");
}

#[tokio::test]
async fn the_same_machine_under_two_names_is_one_host() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    world.fakes.add(FakeShape::new("h1").identity("box-7"));
    world.fakes.add(FakeShape::new("h2").identity("box-7"));
    let first = add(&world, &places, &[("url", "fake://h1")]).await;
    let id = text(&first.inner()["host"][0]["id"]);
    for url in ["fake://h1", "fake://h2"] {
        let refused = add(&world, &places, &[("url", url)]).await;
        assert_eq!(refused.status, 530, "{}", refused.text());
        let want = format!("{url} is already added: it is host h1 ({id}, fake://h1)");
        assert_eq!(refused.error(), want);
    }
    assert_eq!(world.admin.ok("listHosts", &[]).await["count"], 1);
}

#[tokio::test]
async fn a_host_that_cannot_be_taken_says_why() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    world.fakes.add(FakeShape::new("off")).down("no route to host");
    let refused = add(&world, &places, &[("url", "fake://off")]).await;
    assert_eq!(refused.status, 534, "{}", refused.text());
    assert!(refused.error().contains("no route to host"), "{}", refused.error());

    world.fakes.add(FakeShape::new("bare").without_iommu());
    let refused = add(&world, &places, &[("url", "fake://bare")]).await;
    assert_eq!(refused.status, 534);
    assert!(refused.error().starts_with("fake://bare has no IOMMU"), "{}", refused.error());

    let refused = add(&world, &places, &[("url", "http://node1")]).await;
    assert_eq!(refused.status, 431);
    assert_eq!(refused.error(), "Username and Password need to be provided.");

    let refused = add(&world, &places, &[("url", "test:///etc/passwd")]).await;
    assert_eq!(refused.status, 431);
    assert_eq!(world.admin.ok("listHosts", &[]).await, serde_json::json!({}));

    let taken = add(&world, &places, &[("url", "fake://bare"), ("allownoiommu", "true")]).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
}

#[tokio::test]
async fn places_must_belong_together() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    let other = [
        ("name", "other"),
        ("dns1", "10.0.0.1"),
        ("internaldns1", "10.0.0.1"),
        ("networktype", "Advanced"),
    ];
    let other = text(&world.admin.ok("createZone", &other).await["zone"]["id"]);
    let wrong = (other, places.1.clone(), places.2.clone());
    let refused = add(&world, &wrong, &[("url", "fake://h1")]).await;
    assert!(refused.error().contains("doesn't belong to the zone"), "{}", refused.error());
    let login = [("url", "http://sim/h1"), ("username", "root"), ("password", "password")];
    let (zone, pod, _) = &places;
    let mut params = vec![
        ("zoneid", zone.as_str()),
        ("podid", pod.as_str()),
        ("clusterid", places.2.as_str()),
        ("hypervisor", "Simulator"),
    ];
    params.extend(login);
    let refused = world.admin.call("addHost", &params).await;
    assert_eq!(refused.error(), "the hosts of cluster C0 run KVM, not Simulator");
    params[2] = ("clustername", "C1");
    let taken = world.admin.ok("addHost", &params).await;
    assert_eq!(taken["host"][0]["clustername"], "C1");
    assert_eq!(taken["host"][0]["hypervisor"], "Simulator");
}

#[tokio::test]
async fn a_host_is_switched_and_put_into_maintenance() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    let added = add(&world, &places, &[("url", "fake://h1")]).await;
    let id = text(&added.inner()["host"][0]["id"]);
    let id = id.as_str();
    let off = [("id", id), ("allocationstate", "Disable"), ("hosttags", "")];
    assert_eq!(world.admin.ok("updateHost", &off).await["host"]["resourcestate"], "Disabled");
    let job = world.admin.call_async("prepareHostForMaintenance", &[("id", id)]).await;
    assert_eq!(job["jobresult"]["host"]["resourcestate"], "Maintenance", "{job}");
    let refused =
        world.admin.call("updateHost", &[("id", id), ("allocationstate", "Enable")]).await;
    assert_eq!(refused.status, 530);
    let job = world.admin.call_async("cancelHostMaintenance", &[("id", id)]).await;
    assert_eq!(job["jobresult"]["host"]["resourcestate"], "Enabled", "{job}");
    let job = world.admin.call_async("reconnectHost", &[("id", id)]).await;
    assert_eq!(job["jobresult"]["host"]["state"], "Up", "{job}");
    assert_eq!(world.admin.ok("deleteHost", &[("id", id)]).await["success"], true);
    assert_eq!(world.admin.ok("listHosts", &[]).await, serde_json::json!({}));
    let again = add(&world, &places, &[("url", "fake://h1")]).await;
    assert_eq!(again.status, 200, "a removed machine can be added again: {}", again.text());
}
