//! The shape of guests on a real host of two NUMA nodes: what libvirt, QEMU and the kernel made of it.

use super::{
    cloud::Cloud,
    rig::{self, Host},
};
use crate::zone::text;
use serde_json::Value;

/// A GPU offering of so many devices like 42:00.0, and a running instance of two CPUs with them.
async fn instance(cloud: &Cloud, size: &str, policy: &str, count: u32) -> Value {
    let device = cloud.devices().await.remove("42:00.0").expect("the device");
    let (profile, count) = (text(&device["vgpuprofileid"]), count.to_string());
    let words = [
        ("name", policy),
        ("numapolicy", policy),
        ("vgpuprofileid", &profile),
        ("gpucount", &count),
    ];
    let made = cloud.service.admin.ok("createGpuOffering", &words).await;
    let gpus = text(&made["gpuoffering"]["id"]);
    let mut words = cloud.deploy(&gpus);
    words.retain(|(name, _)| *name != "serviceofferingid");
    words.push(("serviceofferingid", size));
    cloud.job("deployVirtualMachine", &words).await["virtualmachine"].clone()
}

/// The CPUs that each virtual CPU may run on, as the kernel says of its thread.
fn cpus_of_vcpus(host: &Host, domain: &str) -> Vec<String> {
    let found = host.sh(&format!(
        "pid=$(cat /run/libvirt/qemu/{domain}.pid); for t in /proc/$pid/task/*; do \
        case $(cat $t/comm) in 'CPU '*) echo $(cat $t/comm) $(grep Cpus_allowed_list $t/status);; esac; done | sort"
    ));
    found.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

fn monitor(host: &Host, domain: &str, command: &str) -> String {
    host.sh(&format!("virsh qemu-monitor-command --hmp {domain} '{command}'")).replace('\r', "")
}

#[tokio::test]
async fn guests_have_the_shape_of_their_devices() {
    let Some(host) = rig::take("a").await else { return };
    let cloud = Cloud::on(&host).await;
    let words = [("name", "two"), ("cpunumber", "2"), ("cpuspeed", "100"), ("memory", "64")];
    let made = cloud.service.admin.ok("createServiceOffering", &words).await;
    let size = text(&made["serviceoffering"]["id"]);

    let pinned = instance(&cloud, &size, "required", 1).await;
    let (id, domain) = (text(&pinned["id"]), text(&pinned["instancename"]));
    let device = cloud.devices().await.remove(&cloud.held(&id).await[0]).expect("the device");
    let node = text(&device["numanode"]);
    assert_eq!(cpus_of_vcpus(&host, &domain), [&*node, &*node], "node {node} has CPU {node}");
    let tune = host.sh(&format!("virsh numatune {domain}"));
    assert!(tune.contains("strict") && tune.contains(&format!(": {node}")), "{tune}");
    assert!(monitor(&host, &domain, "info numa").contains("0 nodes"), "the guest sees one node");
    cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;

    let span = instance(&cloud, &size, "preferred", 4).await;
    let (id, domain) = (text(&span["id"]), text(&span["instancename"]));
    assert_eq!(cpus_of_vcpus(&host, &domain), ["0", "1"]);
    let numa = monitor(&host, &domain, "info numa");
    for line in ["2 nodes", "node 0 cpus: 0", "node 1 cpus: 1", "node 1 size: 32 MB"] {
        assert!(numa.contains(line), "{line} is not in {numa}");
    }
    // each device hangs below the expander of its node: its bus is one of those that firmware gave to it
    let devices = cloud.devices().await;
    let held = cloud.held(&id).await;
    let node_of = |address: &String| text(&devices[address]["numanode"]);
    let mut nodes: Vec<String> = held.iter().map(node_of).collect();
    nodes.sort();
    assert!(nodes[0] == "0" && nodes[3] == "1", "{held:?}");
    let xml = host.sh(&format!("virsh dumpxml {domain}"));
    assert_eq!(xml.matches("model='pcie-expander-bus'").count(), 2, "{xml}");
    let tree = monitor(&host, &domain, "info qtree");
    for node in ["0", "1"] {
        let buses = tree.split("dev: pxb-pcie").skip(1);
        let own = buses.filter(|part| part.contains(&format!("numa_node = {node} ")));
        assert_eq!(own.count(), 1, "{tree}");
    }
    let below = |node: &str| nodes.iter().filter(|other| *other == node).count();
    eprintln!("gpu_host: {} devices on node 0, {} on node 1", below("0"), below("1"));
    cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;
    cloud.is_empty(&host).await;
}
