//! What goes wrong in the middle: after recovery no device is held twice, none leaks, and every job has ended.

use super::{
    cloud::Cloud,
    proxy::{Line, Proxy},
    rig::{self, Host, eventually},
};
use crate::zone::text;
use std::time::Duration;
use tokio::time::sleep;

/// A connection that is frozen is given up by keepalive after 20 seconds; this is longer.
const FROZEN: Duration = Duration::from_secs(26);

#[tokio::test]
async fn whatever_is_cut_off_in_the_middle_nothing_leaks() {
    let Some(host) = rig::take("b").await else { return };
    let line = Proxy::to(host.port());
    let mut cloud = Cloud::through(&host, line.port).await;
    let gpus = cloud.gpus("one", "42:00.0", 1).await;
    the_service_is_killed_while_it_deploys(&mut cloud, &host, &gpus).await;
    the_line_is_cut_during_a_start(&cloud, &host, &line, &gpus).await;
    let vm = cloud.job("deployVirtualMachine", &cloud.deploy(&gpus)).await;
    let vm = text(&vm["virtualmachine"]["id"]);
    libvirtd_is_restarted(&cloud, &host, &vm).await;
    the_host_freezes_during_a_stop(&cloud, &host, &vm).await;
    the_host_freezes_during_a_start(&cloud, &host, &vm).await;
    cloud.job("destroyVirtualMachine", &[("id", &vm), ("expunge", "true")]).await;
    cloud.is_empty(&host).await;
    the_host_key_changes(&cloud, &host, &line).await;
}

#[tokio::test]
async fn a_dead_device_is_kept_away_and_a_dead_host_keeps_what_it_had() {
    let Some(host) = rig::take("a").await else { return };
    let cloud = Cloud::on(&host).await;
    a_device_falls_off_the_bus(&cloud, &host).await;
    the_power_is_cut(&cloud, &host).await;
}

/// Waits until the host has a domain of an instance, in whatever state.
async fn a_domain_is_there(host: &Host) {
    eventually("a domain is defined", 120, async || !host.domains().is_empty()).await;
}

async fn the_service_is_killed_while_it_deploys(cloud: &mut Cloud, host: &Host, gpus: &str) {
    for early in [true, false] {
        let job = cloud.begin("deployVirtualMachine", &cloud.deploy(gpus)).await;
        if early {
            sleep(Duration::from_secs(2)).await;
        } else {
            a_domain_is_there(host).await;
        }
        cloud.service.kill();
        cloud.service.go().await;
        let ended = cloud.end(&job).await;
        assert_eq!(ended["jobstatus"], 2, "{ended}");
        eprintln!("gpu_host: killed, then: {}", ended["jobresult"]["errortext"]);
        cloud.host_is("Up", 60).await;
        cloud.is_empty(host).await;
    }
}

async fn the_line_is_cut_during_a_start(cloud: &Cloud, host: &Host, line: &Proxy, gpus: &str) {
    let job = cloud.begin("deployVirtualMachine", &cloud.deploy(gpus)).await;
    a_domain_is_there(host).await;
    line.set(Line::Cut);
    let ended = cloud.end(&job).await;
    // the call may have been answered just before
    eprintln!("gpu_host: cut, then: {}", ended["jobresult"]["errortext"]);
    let away = cloud.host_is("Disconnected", 30).await;
    assert!(away["statereason"].is_string(), "it does not say why: {away}");
    cloud.service.check();
    let refused = cloud.service.admin.call("deployVirtualMachine", &cloud.deploy(gpus)).await;
    assert_eq!(refused.status, 533, "a host that is away gets no instance: {}", refused.text());
    line.set(Line::Open);
    cloud.host_is("Up", 90).await;
    if ended["jobstatus"] == 1 {
        let id = text(&ended["jobresult"]["virtualmachine"]["id"]);
        cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;
    }
    cloud.is_empty(host).await;
}

/// The instance runs in the books and on the host, or in neither. Whether it runs.
async fn books_and_host_agree(cloud: &Cloud, host: &Host, vm: &str) -> bool {
    cloud.host_is("Up", 120).await;
    cloud.service.settle(120).await;
    let mut runs = false;
    eventually("books and host agree", 60, async || {
        let state = text(&cloud.vm(vm).await["state"]);
        runs = state == "Running";
        let active = host.sh("virsh list --name --state-running");
        (runs || state == "Stopped") && runs != active.is_empty()
    })
    .await;
    assert_eq!(cloud.held(vm).await.len(), 1, "the instance keeps its GPU");
    runs
}

async fn libvirtd_is_restarted(cloud: &Cloud, host: &Host, vm: &str) {
    let held = cloud.held(vm).await;
    host.sh("systemctl restart libvirtd");
    sleep(Duration::from_secs(3)).await;
    assert!(books_and_host_agree(cloud, host, vm).await, "the instance outlives libvirtd");
    assert_eq!(cloud.held(vm).await, held);
    assert_eq!(host.driver(&held[0]), "vfio-pci");
}

async fn the_host_freezes_during_a_stop(cloud: &Cloud, host: &Host, vm: &str) {
    let job = cloud.begin("stopVirtualMachine", &[("id", vm), ("forced", "true")]).await;
    host.freeze();
    sleep(FROZEN).await;
    host.thaw();
    let ended = cloud.end(&job).await;
    eprintln!("gpu_host: frozen in a stop, then: {}", ended["jobresult"]["errortext"]);
    if books_and_host_agree(cloud, host, vm).await {
        cloud.job("stopVirtualMachine", &[("id", vm), ("forced", "true")]).await;
    }
    assert!(!books_and_host_agree(cloud, host, vm).await);
}

async fn the_host_freezes_during_a_start(cloud: &Cloud, host: &Host, vm: &str) {
    let job = cloud.begin("startVirtualMachine", &[("id", vm)]).await;
    a_domain_is_there(host).await;
    host.freeze();
    sleep(FROZEN).await;
    host.thaw();
    let ended = cloud.end(&job).await;
    eprintln!("gpu_host: frozen in a start, then: {}", ended["jobresult"]["errortext"]);
    books_and_host_agree(cloud, host, vm).await;
}

async fn the_host_key_changes(cloud: &Cloud, host: &Host, line: &Proxy) {
    host.change_host_key();
    line.set(Line::Cut);
    cloud.host_is("Disconnected", 30).await;
    line.set(Line::Open);
    let down = cloud.host_is("Down", 60).await;
    let why = text(&down["statereason"]);
    assert!(why.contains("ssh host key") && why.contains("acceptnewhostkey=true"), "{why}");
    let plain = cloud.begin("reconnectHost", &[("id", &cloud.host)]).await;
    let ended = cloud.end(&plain).await;
    assert_eq!(ended["jobstatus"], 2, "{ended}");
    assert!(text(&ended["jobresult"]["errortext"]).contains("ssh host key"), "{ended}");
    let words = [("id", cloud.host.as_str()), ("acceptnewhostkey", "true")];
    cloud.job("reconnectHost", &words).await;
    cloud.host_is("Up", 30).await;
    cloud.is_empty(host).await;
}

async fn a_device_falls_off_the_bus(cloud: &Cloud, host: &Host) {
    let gpus = cloud.gpus("virtio", "83:00.0", 1).await;
    let vm = cloud.job("deployVirtualMachine", &cloud.deploy(&gpus)).await;
    let vm = text(&vm["virtualmachine"]["id"]);
    assert_eq!(cloud.held(&vm).await, ["83:00.0"]);
    // while vfio has a dead device the kernel waits for it for minutes; so it dies at the host's own driver
    cloud.job("stopVirtualMachine", &[("id", &vm), ("forced", "true")]).await;
    host.device("83:00.0", "dead");
    cloud.job("destroyVirtualMachine", &[("id", &vm), ("expunge", "true")]).await;
    let dead = cloud.devices().await.remove("83:00.0").expect("a device");
    assert_eq!(
        (&dead["state"], &dead["health"]),
        (&"Error".into(), &"Quarantined".into()),
        "{dead}"
    );
    assert!(text(&dead["reason"]).contains("83:00.0"), "{dead}");
    assert!(dead.get("virtualmachineid").is_none(), "{dead}");
    let reset = cloud.begin("resetGpuDevice", &[("id", &text(&dead["id"]))]).await;
    let ended = cloud.end(&reset).await;
    let why = text(&ended["jobresult"]["errortext"]);
    assert!(why.contains("83:00.0 does not answer on the bus"), "{ended}");
    let refused = cloud.service.admin.call("deployVirtualMachine", &cloud.deploy(&gpus)).await;
    assert_eq!(refused.status, 533, "{}", refused.text());
    cloud.service.settle(30).await;
}

/// The host comes back with its devices in order, the dead one included: who was quarantined stays so until an
/// administrator says otherwise.
async fn the_power_is_cut(cloud: &Cloud, host: &Host) {
    let gpus = cloud.gpus("two", "42:00.0", 2).await;
    let vm = cloud.job("deployVirtualMachine", &cloud.deploy(&gpus)).await;
    let vm = text(&vm["virtualmachine"]["id"]);
    let held = cloud.held(&vm).await;
    host.cut();
    cloud.host_is("Disconnected", 60).await;
    assert_eq!(cloud.held(&vm).await, held, "what a lost host had stays where it is");
    cloud.service.check();
    host.boot(&cloud.service.public_key());
    cloud.host_is("Up", 120).await;
    eventually("the instance is found stopped", 60, async || {
        cloud.vm(&vm).await["state"] == "Stopped"
    })
    .await;
    assert_eq!(cloud.held(&vm).await, held);
    let still = cloud.devices().await.remove("83:00.0").expect("a device");
    assert_eq!(still["health"], "Quarantined", "{still}");
    let id = text(&still["id"]);
    cloud.job("resetGpuDevice", &[("id", &id)]).await;
    let cleared = cloud.devices().await.remove("83:00.0").expect("a device");
    assert_eq!(cleared["state"], "Free", "{cleared}");
    cloud.job("startVirtualMachine", &[("id", &vm)]).await;
    assert_eq!(cloud.held(&vm).await, held);
    assert_eq!(host.driver(&held[0]), "vfio-pci");
    cloud.job("destroyVirtualMachine", &[("id", &vm), ("expunge", "true")]).await;
    cloud.is_empty(host).await;
}
