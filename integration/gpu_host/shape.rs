//! The shape of guests on a real host of two NUMA nodes: what libvirt, QEMU and the kernel made of it.

use super::{
    cloud::Cloud,
    rig::{self, Host},
};
use crate::zone::text;
use serde_json::Value;

/// A GPU offering of so many devices like 42:00.0, and a running instance of this size with them.
async fn instance(
    cloud: &Cloud,
    (size, boot): (&str, &str),
    (policy, count): (&str, u32),
) -> Value {
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
    words.extend([("serviceofferingid", size), ("boottype", "UEFI"), ("bootmode", boot)]);
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

/// The guest runs on UEFI firmware; the file on the host that holds what its firmware writes down.
fn has_uefi(host: &Host, vm: &Value, (mode, image): (&str, &str)) -> String {
    assert_eq!((&vm["boottype"], &vm["bootmode"]), (&"Uefi".into(), &mode.into()), "{vm}");
    let domain = text(&vm["instancename"]);
    let blocks = monitor(host, &domain, "info block");
    assert!(blocks.contains(&format!("/usr/share/OVMF/{image}")), "{blocks}");
    let xml = host.sh(&format!("virsh dumpxml {domain}"));
    let (_, rest) = xml.split_once("<nvram").expect("a file of variables");
    let (_, rest) = rest.split_once('>').expect("its element");
    let path = rest.split('<').next().expect("its path").to_owned();
    host.sh(&format!("ls {path}"));
    path
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

    // a node of these hosts has one CPU: an instance of one node gets no more
    let pinned = instance(&cloud, (&cloud.size, "LEGACY"), ("required", 1)).await;
    let (id, domain) = (text(&pinned["id"]), text(&pinned["instancename"]));
    let device = cloud.devices().await.remove(&cloud.held(&id).await[0]).expect("the device");
    let node = text(&device["numanode"]);
    assert_eq!(cpus_of_vcpus(&host, &domain), [&*node], "node {node} has CPU {node}");
    let tune = host.sh(&format!("virsh numatune {domain}"));
    assert!(tune.contains("strict") && tune.contains(&format!(": {node}")), "{tune}");
    assert!(monitor(&host, &domain, "info numa").contains("0 nodes"), "the guest sees one node");
    let variables = has_uefi(&host, &pinned, ("legacy", "OVMF_CODE_4M.fd"));
    cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;

    assert!(host.try_sh(&format!("ls {variables}")).is_err(), "{variables} is left");

    let span = instance(&cloud, (&size, "SECURE"), ("preferred", 4)).await;
    let (id, domain) = (text(&span["id"]), text(&span["instancename"]));
    assert_eq!(cpus_of_vcpus(&host, &domain), ["0", "1"]);
    let variables = has_uefi(&host, &span, ("secure", "OVMF_CODE_4M.ms.fd"));
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
    assert!(host.try_sh(&format!("ls {variables}")).is_err(), "{variables} is left");
    cloud.is_empty(&host).await;
}
