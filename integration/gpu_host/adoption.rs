//! A domain that somebody made by hand on a real host, with a GPU, a disk and an interface, becomes an instance and ends
//! like one. What the host says of it is what the books take, in libvirt's own words and not in a test's.

use super::{
    cloud::Cloud,
    rig::{self, Host},
};
use crate::zone::text;
use serde_json::{Value, json};

/// What the domain is called.
const NAME: &str = "training-box";
/// Its disk, in no pool of the cloud.
const DISK: &str = "/var/lib/libvirt/images/training.qcow2";
/// The GPU it was given.
const GPU: &str = "42:00.0";
/// The address of its interface on `br0`.
const MAC: &str = "52:54:00:aa:bb:01";

/// The definition as people write it.
fn definition() -> String {
    format!(
        "<domain type='qemu'><name>{NAME}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>\
         <os><type machine='q35'>hvm</type></os><features><acpi/></features><devices>\
         <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{DISK}'/><target dev='vda' bus='virtio'/></disk>\
         <interface type='bridge'><mac address='{MAC}'/><source bridge='br0'/><model type='virtio'/></interface>\
         <hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x42' slot='0x00' function='0x0'/></source></hostdev>\
         <memballoon model='none'/></devices></domain>"
    )
}

fn make_by_hand(host: &Host) -> String {
    host.sh(&format!("qemu-img create -q -f qcow2 {DISK} 8M"));
    host.sh(&format!(
        "cat >/tmp/{NAME}.xml <<'END'\n{}\nEND\nvirsh define /tmp/{NAME}.xml",
        definition()
    ));
    host.sh(&format!("virsh start {NAME}"));
    host.sh(&format!("virsh domuuid {NAME}"))
}

async fn adopt(cloud: &Cloud, real: &str) -> Value {
    let words = [
        ("hostid", cloud.host.as_str()),
        ("serviceofferingid", &cloud.size),
        ("templateid", &cloud.template),
        ("domainname", NAME),
        ("dryrun", real),
    ];
    cloud.service.admin.ok("adoptVirtualMachine", &words).await["adoption"][0].clone()
}

#[tokio::test]
async fn a_domain_made_by_hand_is_taken_into_the_books() {
    let Some(host) = rig::take("a").await else { return };
    let cloud = Cloud::on(&host).await;
    let id = make_by_hand(&host);
    cloud.service.admin.ok("discoverGpuDevices", &[("id", &cloud.host)]).await;
    let drift = cloud.service.admin.ok("listGpuDrift", &[("hostid", &cloud.host)]).await;
    assert_eq!(drift["count"], 1, "{drift}");
    assert!(drift.to_string().contains(NAME), "{drift}");

    let shown = adopt(&cloud, "true").await;
    assert_eq!((&shown["id"], &shown["adoptable"]), (&json!(id), &json!(true)), "{shown}");
    assert_eq!(shown["disks"], json!([format!("ROOT {DISK} (8388608 bytes)")]));
    assert_eq!(shown["nics"], json!([format!("{MAC} in network outside")]));
    assert!(cloud.service.texts("SELECT id AS text FROM vm").is_empty(), "it was only shown");
    let done = adopt(&cloud, "false").await;
    assert_eq!(done["adopted"], true, "{done}");
    is_an_instance(&cloud, &host, &id).await;

    // a stop leaves the definition and the GPU with it
    cloud.job("stopVirtualMachine", &[("id", &id), ("forced", "true")]).await;
    assert_eq!(host.domains(), [NAME]);
    assert_eq!(host.sh(&format!("virsh domstate {NAME}")), "shut off");
    assert_eq!(host.driver(GPU), "bochs-drm");
    assert_eq!(cloud.held(&id).await, [GPU]);

    // which is what a start uses
    cloud.job("startVirtualMachine", &[("id", &id)]).await;
    assert_eq!(host.sh(&format!("virsh domstate {NAME}")), "running");
    assert_eq!(
        (host.driver(GPU), host.hostdevs(NAME)),
        ("vfio-pci".to_owned(), vec![GPU.to_owned()])
    );
    assert_eq!(cloud.vm(&id).await["state"], "Running");

    cloud.job("destroyVirtualMachine", &[("id", &id), ("expunge", "true")]).await;
    assert!(host.domains().is_empty(), "its definition is left");
    host.sh(&format!("qemu-img info {DISK} && rm {DISK} /tmp/{NAME}.xml"));
    cloud.is_empty(&host).await;
}

/// It goes on running as it was, and the books say what the host says.
async fn is_an_instance(cloud: &Cloud, host: &Host, id: &str) {
    assert_eq!(host.sh(&format!("virsh domstate {NAME}")), "running");
    let vm = cloud.vm(id).await;
    assert_eq!((&vm["state"], &vm["instancename"]), (&json!("Running"), &json!(NAME)), "{vm}");
    assert_eq!(text(&vm["nic"][0]["macaddress"]), MAC, "{vm}");
    assert_eq!(cloud.held(id).await, [GPU]);
    let words = [("virtualmachineid", id), ("listall", "true")];
    let disks = cloud.service.admin.ok("listVolumes", &words).await;
    assert_eq!(disks["volume"][0]["size"], 8 << 20, "{disks}");
    cloud.service.admin.ok("discoverGpuDevices", &[("id", &cloud.host)]).await;
    let drift = cloud.service.admin.ok("listGpuDrift", &[("hostid", &cloud.host)]).await;
    assert_eq!(drift.get("count"), None, "{drift}");
}
