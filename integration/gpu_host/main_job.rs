//! The main job: GPUs found, given to instances, taken back; each step looked at on the host itself.

use super::{
    cloud::{Cloud, POOL},
    rig::{self, DRIVERS, Host},
};
use crate::zone::text;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// What the guest of the main job is told.
const USER_DATA: &str = "#cloud-config\nruncmd: [ 'echo \"<&>\" $HOME' ]\n";

/// The driver that a function has when nobody uses it.
fn own_driver(address: &str) -> &'static str {
    DRIVERS.iter().find(|(other, _)| *other == address).expect("a function of the rig").1
}

/// The functions that must be with the guest when it holds these GPUs: one of them has an audio function.
fn with_companions(held: &[String]) -> Vec<String> {
    let mut all = held.to_vec();
    if held.iter().any(|address| address == "44:00.0") {
        all.push("44:00.1".to_owned());
    }
    all.sort();
    all
}

/// The instance runs, and the host agrees with the books about its devices. Returns them.
async fn runs_with_its_devices(cloud: &Cloud, host: &Host, vm: &str) -> Vec<String> {
    let listed = cloud.vm(vm).await;
    assert_eq!(listed["state"], "Running", "{listed}");
    let held = cloud.held(vm).await;
    let all = with_companions(&held);
    let domain = text(&listed["instancename"]);
    assert_eq!(host.sh(&format!("virsh domstate {domain}")), "running");
    assert_eq!(host.hostdevs(&domain), all, "the domain's devices are not the allocation");
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    for (address, driver) in all.iter().zip(host.drivers(&refs)) {
        assert_eq!(driver, "vfio-pci", "{address}");
    }
    held
}

/// Functions are back with their own drivers.
fn have_their_drivers(host: &Host, held: &[String]) {
    let all = with_companions(held);
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    for (address, driver) in all.iter().zip(host.drivers(&refs)) {
        assert_eq!(driver, own_driver(address), "{address}");
    }
}

#[tokio::test]
async fn the_main_job_is_true_on_a_real_host() {
    let Some(host) = rig::take("a").await else { return };
    let cloud = Cloud::on(&host).await;
    everything_is_found(&cloud).await;
    two_gpus_through_a_whole_life(&cloud, &host).await;
    groups_travel_whole(&cloud, &host).await;
    slices_are_made_and_removed(&cloud, &host).await;
    cloud.is_empty(&host).await;
    cloud.service.admin.ok("deleteHost", &[("id", &cloud.host)]).await;
    host.assert_free();
}

async fn everything_is_found(cloud: &Cloud) {
    let devices = cloud.devices().await;
    for (address, driver) in DRIVERS.iter().filter(|(address, _)| *address != "44:00.1") {
        let device = devices.get(*address).unwrap_or_else(|| panic!("{address} is not found"));
        assert_eq!(device["state"], "Free", "{device}");
        let node = if *address < "80" { "0" } else { "1" };
        assert_eq!(device["numanode"], node, "{device}");
        assert_eq!(device["ready"], true, "{device}");
        let bound = device["driver"].as_str().unwrap_or("none");
        assert_eq!(bound, *driver, "{device}");
    }
    assert!(!devices.contains_key("44:00.1"), "an audio function is no GPU");
    let host = cloud.host().await;
    assert_eq!((&host["gputotal"], &host["gpuused"]), (&9.into(), &0.into()), "{host}");
}

async fn two_gpus_through_a_whole_life(cloud: &Cloud, host: &Host) {
    let gpus = cloud.gpus("two", "42:00.0", 2).await;
    let networks = format!("{},{}", cloud.inside, cloud.outside);
    let user_data = STANDARD.encode(USER_DATA);
    let mut words = cloud.deploy(&gpus);
    words.retain(|(name, _)| *name != "networkids");
    words.extend([("networkids", networks.as_str()), ("userdata", &user_data)]);
    words.extend([("name", "pair"), ("displayname", "<b>a & b</b>")]);
    let vm = cloud.job("deployVirtualMachine", &words).await["virtualmachine"].clone();
    let id = text(&vm["id"]);
    let held = runs_with_its_devices(cloud, host, &id).await;
    assert_eq!(held.len(), 2, "{held:?}");
    assert_eq!(vm["gpucount"], 2, "{vm}");
    let nodes = host.sh(&format!(
        "cat /sys/bus/pci/devices/0000:{}/numa_node /sys/bus/pci/devices/0000:{}/numa_node | sort -u | wc -l",
        held[0], held[1]
    ));
    assert_eq!(nodes, "1", "{held:?} are on two NUMA nodes");
    it_looks_right_outside(cloud, host, &vm);

    cloud.job("stopVirtualMachine", &[("id", &id), ("forced", "true")]).await;
    assert_eq!(cloud.held(&id).await, held, "a stopped instance keeps its GPUs");
    host.assert_free();
    cloud.job("startVirtualMachine", &[("id", &id)]).await;
    assert_eq!(runs_with_its_devices(cloud, host, &id).await, held);
    cloud.job("rebootVirtualMachine", &[("id", &id)]).await;
    assert_eq!(runs_with_its_devices(cloud, host, &id).await, held);
    let used = cloud.host().await;
    assert_eq!(used["gpuused"], 2, "{used}");

    cloud.service.told();
    cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;
    have_their_drivers(host, &held);
    let mut told = cloud.service.told();
    told.sort();
    let name = text(&cloud.host().await["name"]);
    let word = |address: &String| format!("0000:{address} {name} 1234 1111 {id}");
    assert_eq!(told, held.iter().map(word).collect::<Vec<_>>());
    let devices = cloud.devices().await;
    for address in &held {
        let device = &devices[address];
        assert_eq!(
            (&device["state"], &device["health"]),
            (&"Free".into(), &"Ok".into()),
            "{device}"
        );
    }
    cloud.is_empty(host).await;
}

fn it_looks_right_outside(cloud: &Cloud, host: &Host, vm: &Value) {
    let domain = text(&vm["instancename"]);
    let disks = host.sh(&format!("virsh domblklist {domain} | awk 'NR > 2 && NF {{ print $2 }}'"));
    let [root, seed] = disks.lines().collect::<Vec<_>>()[..] else {
        panic!("not a root disk and a seed: {disks}")
    };
    let told = host.sh(&format!("mtype -i {POOL}/{seed} ::user-data"));
    assert_eq!(told, USER_DATA.trim(), "the seed disk does not hold the user data");
    let links = host.sh(&format!("virsh domiflist {domain}"));
    assert!(links.contains(" br0 ") && links.contains(" network "), "{links}");
    for nic in vm["nic"].as_array().expect("interfaces") {
        assert!(links.contains(&text(&nic["macaddress"])), "{links}");
    }
    let base = host.sh(&format!("qemu-img info -U --output=json {POOL}/{root}"));
    assert!(base.contains(&cloud.template), "the root disk is no layer of the template: {base}");
}

async fn groups_travel_whole(cloud: &Cloud, host: &Host) {
    let one = cloud.gpus("one", "42:00.0", 1).await;
    let words = cloud.deploy(&one);
    let (mut held, mut vms) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        for made in two_at_once(cloud, "deployVirtualMachine", [&words, &words]).await {
            let id = text(&made["virtualmachine"]["id"]);
            held.extend(runs_with_its_devices(cloud, host, &id).await);
            vms.push(id);
        }
    }
    let refused = cloud.service.admin.call("deployVirtualMachine", &words).await;
    assert_eq!(refused.status, 533, "two GPUs of one group are left: {}", refused.text());
    held.sort();
    assert_eq!(held, ["42:00.0", "43:00.0", "44:00.0", "81:00.0"]);

    let listed = cloud.service.admin.ok("listGpuOfferings", &[("name", "two")]).await;
    let two = text(&listed["gpuoffering"][0]["id"]);
    let made = cloud.job("deployVirtualMachine", &cloud.deploy(&two)).await;
    let id = text(&made["virtualmachine"]["id"]);
    assert_eq!(runs_with_its_devices(cloud, host, &id).await, ["82:00.0", "82:00.1"]);
    vms.push(id);
    let last = vms.pop().expect("five instances");
    a_doubt_lasts_until_a_reset(cloud, host, &last).await;
    for pair in vms.chunks(2) {
        let words = [0, 1].map(|at| vec![("id", pair[at].as_str()), ("expunge", "true")]);
        two_at_once(cloud, "destroyVirtualMachine", [&words[0], &words[1]]).await;
    }
    cloud.is_empty(host).await;
}

/// The operator's program finds fault with two GPUs of one group: nobody gets them until each was reset, for real.
async fn a_doubt_lasts_until_a_reset(cloud: &Cloud, host: &Host, vm: &str) {
    let pair = ["82:00.0", "82:00.1"];
    cloud.service.operator_is_content(false);
    cloud.job("destroyVirtualMachine", &[("id", vm), ("expunge", "true")]).await;
    let why = "the release hook ended with 7: row remap failed";
    let devices = cloud.devices().await;
    for address in pair {
        let device = &devices[address];
        assert_eq!((&device["health"], &device["reason"]), (&"Quarantined".into(), &why.into()));
    }
    let first = text(&devices[pair[0]]["id"]);
    let ended = cloud.end(&cloud.begin("resetGpuDevice", &[("id", &first)]).await).await;
    let refused = format!("GPU device {first} is quarantined: {why}");
    assert_eq!(ended["jobresult"]["errortext"], refused, "{ended}");
    cloud.service.operator_is_content(true);
    for address in pair {
        let id = text(&devices[address]["id"]);
        let free = cloud.job("resetGpuDevice", &[("id", &id)]).await["gpudevice"].clone();
        assert_eq!((&free["state"], &free["health"]), (&"Free".into(), &"Ok".into()), "{free}");
    }
    have_their_drivers(host, &pair.map(str::to_owned));
}

/// Two jobs side by side, which must succeed; their results.
async fn two_at_once(cloud: &Cloud, command: &str, words: [&[(&str, &str)]; 2]) -> [Value; 2] {
    let first = cloud.begin(command, words[0]).await;
    let second = cloud.job(command, words[1]).await;
    let first = cloud.end(&first).await;
    assert_eq!(first["jobstatus"], 1, "{first}");
    [first["jobresult"].clone(), second]
}

async fn slices_are_made_and_removed(cloud: &Cloud, host: &Host) {
    let listed = cloud.service.admin.ok("listVgpuProfiles", &[("keyword", "V1-8Q")]).await;
    let profile = text(&listed["vgpuprofile"][0]["id"]);
    let words = [("name", "slice"), ("vgpuprofileid", &profile), ("gpucount", "1")];
    let made = cloud.service.admin.ok("createGpuOffering", &words).await;
    let gpus = text(&made["gpuoffering"]["id"]);
    let vm =
        cloud.job("deployVirtualMachine", &cloud.deploy(&gpus)).await["virtualmachine"].clone();
    let id = text(&vm["id"]);
    let held = cloud.held(&id).await;
    assert_eq!(held, host.mdevs(), "the slice of the books is not that of the host");
    assert_eq!(held.len(), 1);
    let kind = host.sh("cat /sys/bus/mdev/devices/*/mdev_type/name");
    assert_eq!(kind, "CSGPU V1-8Q");
    let xml = host.sh(&format!("virsh dumpxml {}", text(&vm["instancename"])));
    assert!(xml.contains(&format!("<address uuid='{}'/>", held[0])), "{xml}");
    assert_eq!(cloud.devices().await["84:00.0"]["state"], "PartiallyAllocated");
    assert_eq!(host.driver("84:00.0"), "csgpu_mdev");
    cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;
    assert_eq!(host.mdevs(), Vec::<String>::new());
    assert_eq!(cloud.devices().await["84:00.0"]["state"], "Free");
}
