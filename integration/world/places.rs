//! A zone with a pod and a cluster, made as an administrator makes them.

use super::World;

/// A zone with a pod and a cluster: their ids.
pub async fn zone_pod_cluster(world: &World) -> (String, String, String) {
    let zone = [
        ("name", "Sandbox"),
        ("dns1", "10.147.28.6"),
        ("internaldns1", "10.147.28.6"),
        ("networktype", "Advanced"),
        ("localstorageenabled", "true"),
    ];
    let zone = text(&world.admin.ok("createZone", &zone).await["zone"]["id"]);
    let pod = [
        ("name", "POD0"),
        ("zoneid", zone.as_str()),
        ("gateway", "172.16.15.1"),
        ("netmask", "255.255.255.0"),
        ("startip", "172.16.15.2"),
        ("endip", "172.16.15.200"),
    ];
    let pod = text(&world.admin.ok("createPod", &pod).await["pod"]["id"]);
    let cluster = [
        ("clustername", "C0"),
        ("zoneid", zone.as_str()),
        ("podid", pod.as_str()),
        ("hypervisor", "KVM"),
        ("clustertype", "CloudManaged"),
    ];
    let answer = world.admin.ok("addCluster", &cluster).await;
    assert_eq!(answer["count"], 1, "addCluster answers in the shape of a list");
    (zone, pod, text(&answer["cluster"][0]["id"]))
}

/// A JSON string.
pub fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
