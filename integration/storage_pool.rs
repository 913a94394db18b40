//! Storage pools and image stores: made on their hosts, listed, removed when they are empty.

use crate::{
    world::World,
    zone::{text, zone_pod_cluster},
};
use serde_json::json;

async fn host(world: &World, places: &(String, String, String), name: &str) -> String {
    let url = format!("fake://{name}");
    let params = [
        ("zoneid", places.0.as_str()),
        ("podid", places.1.as_str()),
        ("clusterid", places.2.as_str()),
        ("hypervisor", "KVM"),
        ("url", url.as_str()),
    ];
    text(&world.admin.ok("addHost", &params).await["host"][0]["id"])
}

#[tokio::test]
async fn a_directory_of_a_host_becomes_a_pool() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    let id = host(&world, &places, "h1").await;
    let params = [
        ("name", "disks"),
        ("zoneid", places.0.as_str()),
        ("hostid", id.as_str()),
        ("url", "file:///var/lib/disks"),
        ("tags", "ssd"),
    ];
    let made = world.admin.ok("createStoragePool", &params).await;
    let pool = &made["storagepool"];
    assert_eq!(pool["scope"], "HOST");
    assert_eq!(pool["type"], "Filesystem");
    assert_eq!(pool["path"], "/var/lib/disks");
    assert_eq!(pool["clustername"], "C0");
    assert_eq!(pool["state"], "Up");
    assert_eq!(pool["disksizetotal"], 64_i64 << 40);
    assert_eq!(pool["overprovisionfactor"], "1.0");
    let again = world.admin.call("createStoragePool", &params).await;
    assert_eq!(again.status, 530);
    let want = format!("/var/lib/disks is storage pool disks ({}) already", text(&pool["id"]));
    assert_eq!(again.error(), want);
    let listed = world.admin.ok("listStoragePools", &[("hostid", &id)]).await;
    assert_eq!(listed["count"], 1);
    let capacity = world.admin.ok("listCapacity", &[("type", "9")]).await;
    assert_eq!(capacity["capacity"][0]["capacitytotal"], 64_i64 << 40);
    let id = text(&pool["id"]);
    assert_eq!(world.admin.ok("deleteStoragePool", &[("id", &id)]).await["success"], true);
    assert_eq!(world.admin.ok("listStoragePools", &[]).await, json!({}));
    assert!(world.fakes.host("h1").expect("h1").history().contains(&"ensure_no_pool"));
}

#[tokio::test]
async fn a_pool_of_a_cluster_needs_no_host() {
    let world = World::new().await;
    let (zone, pod, cluster) = zone_pod_cluster(&world).await;
    let params = [
        ("name", "nfs1"),
        ("zoneid", zone.as_str()),
        ("podid", pod.as_str()),
        ("clusterid", cluster.as_str()),
        ("url", "nfs://10.0.0.9/export/p0"),
        ("scope", "cluster"),
        ("provider", "DefaultPrimary"),
    ];
    let made = world.admin.ok("createStoragePool", &params).await;
    assert_eq!(made["storagepool"]["ipaddress"], "10.0.0.9");
    assert_eq!(made["storagepool"]["path"], "/export/p0");
    assert_eq!(made["storagepool"]["type"], "NetworkFilesystem");
    let refused = world.admin.call("deleteCluster", &[("id", &cluster)]).await;
    assert_eq!(refused.error(), "Cluster C0 cannot be removed: it still has storage pools");
}

#[tokio::test]
async fn a_directory_needs_its_host_to_answer() {
    let world = World::new().await;
    let places = zone_pod_cluster(&world).await;
    let base = [("name", "disks"), ("zoneid", places.0.as_str()), ("url", "file:///disks")];
    let refused = world.admin.call("createStoragePool", &base).await;
    assert_eq!(refused.error(), "a directory is on one host: give hostid");
    let id = host(&world, &places, "h1").await;
    world.fakes.host("h1").expect("h1").down("cable");
    let mut params = base.to_vec();
    params.push(("hostid", &id));
    let refused = world.admin.call("createStoragePool", &params).await;
    assert_eq!(refused.status, 534, "{}", refused.text());
    assert_eq!(world.admin.ok("listStoragePools", &[]).await, json!({}));
}

#[tokio::test]
async fn an_image_store_is_a_directory_of_the_servers() {
    let world = World::new().await;
    let made = world.admin.ok("addImageStore", &[("provider", "Local"), ("name", "images")]).await;
    assert_eq!(made["imagestore"]["protocol"], "file");
    let listed = world.admin.ok("listImageStores", &[("provider", "Local")]).await;
    assert_eq!(listed["imagestore"][0]["scope"], "REGION");
    let refused =
        world.admin.call("addImageStore", &[("provider", "NFS"), ("url", "nfs://a/b")]).await;
    assert_eq!(refused.status, 431);
    let refused = world
        .admin
        .call("addImageStore", &[("provider", "Local"), ("url", "file:///nowhere/x")])
        .await;
    assert!(refused.error().ends_with("is no directory of this server"), "{}", refused.error());
    let id = text(&listed["imagestore"][0]["id"]);
    assert_eq!(world.admin.ok("deleteImageStore", &[("id", &id)]).await["success"], true);
}

#[tokio::test]
async fn what_a_cloud_can_offer_is_there_from_the_start() {
    let world = World::new().await;
    let small = world.admin.ok("listServiceOfferings", &[("name", "Small Instance")]).await;
    assert_eq!((&small["serviceoffering"][0]["memory"], &small["count"]), (&json!(512), &json!(1)));
    let disks = world.admin.ok("listDiskOfferings", &[("name", "Custom")]).await;
    assert_eq!(disks["diskoffering"][0]["iscustomized"], true);
    let os = world.admin.ok("listOsTypes", &[("description", "CentOS 5.6 (64-bit)")]).await;
    assert_eq!(os["ostype"][0]["oscategoryname"], "CentOS");
    let kinds = world.admin.ok("listHypervisors", &[]).await;
    assert_eq!(kinds["hypervisor"], json!([{"name": "KVM"}, {"name": "Simulator"}]));
    let servers = world.admin.ok("listManagementServers", &[]).await;
    assert_eq!(servers["managementserver"][0]["version"], "4.22.0.0");
    assert_eq!(servers["managementserver"][0]["state"], "Up");
    let disk = [("name", "Tiny"), ("displaytext", "Tiny"), ("disksize", "1")];
    let made = world.admin.ok("createDiskOffering", &disk).await;
    assert_eq!(made["diskoffering"]["disksize"], 1);
    let id = text(&made["diskoffering"]["id"]);
    assert_eq!(world.admin.ok("deleteDiskOffering", &[("id", &id)]).await["success"], true);
    let zone = zone_pod_cluster(&world).await.0;
    let gpus = world.admin.ok("listCapacity", &[("type", "19"), ("zoneid", &zone)]).await;
    assert_eq!(gpus["count"], 1);
    assert_eq!(gpus["capacity"][0]["name"], "GPU");
}
