//! Clusters that are nearly used up: told once, over when there is room again, at thresholds of the administrator's.

use crate::world::{
    World,
    places::text,
    site::{Site, instance},
};
use csgpu::{hypervisor::fake::FakeShape, jobs::check_capacity, store::alert_tell};
use serde_json::{Value, json};

/// A site whose hosts are in a cluster and a zone that have rows of their own, with a pool that has a size.
async fn site(world: &World) -> Site {
    let site = world.site([FakeShape::new("h1").gpus(4)]).await;
    for text in [
        "INSERT INTO cluster (id, zone_id, pod_id, name, hypervisor, allocation_state) \
            SELECT cluster_id, zone_id, pod_id, 'c1', 'KVM', 'Enabled' FROM host",
        "UPDATE storage_pool p JOIN host h ON h.id = p.host_id SET p.cluster_id = h.cluster_id, p.capacity = 100000000000, \
            p.available = 90000000000",
    ] {
        world.run(text).await;
    }
    site
}

/// The alerts of this type.
async fn told(world: &World, number: &str) -> Vec<Value> {
    for _ in 0..2 {
        check_capacity(&world.server.wiring).await.expect("a look");
    }
    let found = world.admin.ok("listAlerts", &[("type", number)]).await;
    found["alert"].as_array().cloned().unwrap_or_default()
}

async fn set(world: &World, what: &str, value: &str) {
    let name = format!("cluster.{what}.notificationthreshold");
    let words = [("name", name.as_str()), ("value", value)];
    world.admin.ok("updateConfiguration", &words).await;
}

#[actix_web::test]
async fn a_cluster_that_is_nearly_used_up_is_told_once_and_until_there_is_room() {
    let world = World::new().await;
    let site = site(&world).await;
    let (three, one) = (world.size("three", 3).await, world.size("one", 1).await);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&three)).await);
    assert!(told(&world, "1165").await.is_empty(), "three of four are not more than 0.75");
    let last = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&one)).await);
    let (other, _) = world.another_server().await;
    check_capacity(&other.wiring).await.expect("a look");
    let all = told(&world, "1165").await;
    assert_eq!(all.len(), 1, "told once: {all:?}");
    assert_eq!(
        (&all[0]["name"], &all[0]["resourcetype"], &all[0]["resourceid"]),
        (&json!("ALERT.GPU.CAPACITY"), &json!("Cluster"), &vm_cluster(&world).await)
    );
    let said = text(&all[0]["description"]);
    assert!(said.contains("4 of 4 in use, 100 %, more than 75 %"), "{said}");
    let untold = world.db().read(|conn| alert_tell::due(conn, 9)).await.expect("alerts");
    assert!(untold.iter().any(|it| it.alert.kind == "ALERT.GPU.CAPACITY"), "for the webhook too");

    // there is room again: over, and the next time it is a new alert
    let gone = [("id", last["id"].as_str().expect("an id")), ("expunge", "true")];
    world.admin.call_async("destroyVirtualMachine", &gone).await;
    let all = told(&world, "1165").await;
    assert!(all.len() == 1 && all[0]["resolved"].is_string(), "{all:?}");
    set(&world, "gpu.allocated.capacity", "0.5").await;
    let all = told(&world, "1165").await;
    assert!(all.len() == 2 && all[0]["resolved"].is_null(), "{all:?}");
    set(&world, "gpu.allocated.capacity", "1").await;
    assert!(told(&world, "1165").await.iter().all(|one| one["resolved"].is_string()));

    let gone = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    world.admin.call_async("destroyVirtualMachine", &gone).await;
    world.settle().await;
}

#[actix_web::test]
async fn memory_cpus_and_storage_have_thresholds_of_their_own() {
    let world = World::new().await;
    let site = site(&world).await;
    let one = world.size("one", 0).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&one)).await);
    for (number, what) in [
        ("0", "memory.allocated.capacity"),
        ("1", "cpu.allocated.capacity"),
        ("3", "storage.allocated.capacity"),
        ("25", "localStorage.capacity"),
    ] {
        assert!(told(&world, number).await.is_empty(), "{what}");
        set(&world, what, "0").await;
        let all = told(&world, number).await;
        assert!(all.len() == 1 && all[0]["resolved"].is_null(), "{what}: {all:?}");
    }
    let gone = [("id", vm["id"].as_str().expect("an id")), ("expunge", "true")];
    world.admin.call_async("destroyVirtualMachine", &gone).await;
    for number in ["0", "1", "3"] {
        assert!(told(&world, number).await[0]["resolved"].is_string(), "{number}");
    }
    // one cluster may have a threshold of its own
    let cluster = vm_cluster(&world).await;
    let name = "cluster.localStorage.capacity.notificationthreshold";
    let own = [("name", name), ("value", "0.2"), ("clusterid", cluster.as_str().expect("an id"))];
    world.admin.ok("updateConfiguration", &own).await;
    assert!(told(&world, "25").await[0]["resolved"].is_string(), "a tenth is in use");
    let wrong = [("name", "cluster.gpu.allocated.capacity.notificationthreshold"), ("value", "75")];
    let refused = world.admin.call("updateConfiguration", &wrong).await;
    assert!(refused.error().contains("no number from 0 to 1"), "{}", refused.text());
    world.settle().await;
}

#[actix_web::test]
async fn addresses_of_shared_networks_are_watched_by_zone_until_the_zone_is_gone() {
    let world = World::new().await;
    let site = site(&world).await;
    let (zone, network) = (&site.zone, &site.bridge);
    let used = |count: usize| {
        let row =
            |n| format!("(UUID(), UUID(), '{network}', '02:00:00:00:00:0{n}', '10.9.0.{n}', 0, 1)");
        let rows: Vec<String> = (1..=count).map(row).collect();
        format!(
            "INSERT INTO nic (id, vm_id, network_id, mac, ip, device_index, is_default) VALUES {}",
            rows.join(", ")
        )
    };
    world.run(&format!("UPDATE network SET guest_type = 'Shared', start_ip = '10.9.0.1', end_ip = '10.9.0.4' WHERE id = '{network}'")).await;
    world.run(&used(3)).await;
    assert!(told(&world, "24").await.is_empty(), "three of four are not more than 0.75");
    world.run("DELETE FROM nic").await;
    world.run(&used(4)).await;
    let all = told(&world, "24").await;
    assert_eq!((&all[0]["resourcetype"], &all[0]["resourceid"]), (&json!("Zone"), &json!(zone)));
    assert!(text(&all[0]["description"]).contains("4 of 4 in use"), "{all:?}");
    world
        .run(&format!(
            "UPDATE zone SET alive = NULL, removed = UTC_TIMESTAMP(6) WHERE id = '{zone}'"
        ))
        .await;
    assert!(told(&world, "24").await[0]["resolved"].is_string());
    world.run("DELETE FROM nic").await;
}

async fn vm_cluster(world: &World) -> Value {
    json!(world.texts("SELECT cluster_id AS text FROM host LIMIT 1").await[0])
}
