//! The driver against libvirt's test driver, for real.

mod hook;

use super::{line::Session, *};
use crate::{
    domain::{Id, gpu::PciAddress, machine::*, placement::NumaPolicy},
    hypervisor::{ExpectedDevice, HostEvent, Link, Stop},
};
use std::time::Duration;
use uuid::Uuid;

struct Scratch(PathBuf);
impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("csgpu-test-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }
    fn connector(&self) -> LibvirtConnector {
        LibvirtConnector::new(LibvirtSettings {
            keys: self.0.join("keys"),
            scratch: self.0.join("run"),
            simulators: Some(self.0.join("sim")),
            hook: None,
        })
        .unwrap()
    }
}
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn address(uri: &str, host_key: Option<&str>) -> HostAddress {
    let host_key = host_key.map(str::to_owned);
    HostAddress { host: Id::mint(), name: "h1".into(), uri: uri.into(), host_key }
}

fn simulated(scratch: &Scratch, flavour: Flavour) -> (LibvirtConnector, Arc<dyn HostDriver>) {
    let uri = simulate(&scratch.0.join("sim"), "gpu-01", flavour, 8).unwrap();
    let connector = scratch.connector();
    let driver = connector.open(&address(&uri, None)).unwrap();
    (connector, driver)
}

fn machine(n: u128, devices: Vec<DeviceRef>) -> MachineSpec {
    let volume = VolumeRef { pool: "csgpu".into(), volume: format!("root-{n}") };
    MachineSpec {
        uuid: Uuid::from_u128(n),
        name: format!("i-2-{n}-VM"),
        vcpus: 4,
        memory: 4 << 30,
        disks: vec![DiskSpec { volume, format: "qcow2".into() }],
        seed: None,
        nics: vec![NicSpec {
            mac: "52:54:00:00:00:05".into(),
            link: NicLink::Network("csgpu-1".into()),
        }],
        devices,
        display: false,
        numa: NumaPolicy::Required,
        device_nodes: vec![Some(0); 8],
        ..MachineSpec::default()
    }
}

fn network(leases: &[(&str, &str)]) -> NewNetwork {
    let lease = |(mac, ip): &(&str, &str)| {
        (mac.to_string(), ip.parse().unwrap(), format!("vm{}", &mac[16..]))
    };
    NewNetwork {
        name: "csgpu-1".into(),
        bridge: "csg1".into(),
        gateway: "10.1.1.1".parse().unwrap(),
        prefix: 24,
        leases: leases.iter().map(lease).collect(),
    }
}

const A100: ExpectedDevice = ExpectedDevice { vendor_id: 0x10de, device_id: 0x20b2, driver: None };

#[tokio::test]
async fn a_simulated_host_shows_its_gpus() {
    let scratch = Scratch::new();
    let (_connector, driver) = simulated(&scratch, Flavour::Nvidia);
    let facts = driver.probe().await.unwrap();
    assert_eq!((facts.hostname.as_str(), facts.cpus, facts.memory), ("gpu-01", 128, 1 << 40));
    assert_eq!((facts.domain_type.as_str(), facts.iommu), ("test", true));
    assert!(facts.identity.ends_with("/gpu-01.xml"));
    let seen = driver.devices().await.unwrap();
    assert_eq!(seen.functions.len(), 8);
    assert!(!seen.can_create_mdevs);
    let first = &seen.functions[0];
    assert_eq!((first.vendor_id, first.device_id, first.class), (0x10de, 0x20b2, 0x0302));
    assert_eq!((first.numa_node, seen.functions[7].numa_node), (Some(0), Some(1)));
    assert_eq!(first.group_members, [first.address]);
    assert_eq!(driver.link(), Link::Up);
}

#[tokio::test]
async fn a_machine_across_nodes_lies_on_both_and_one_that_does_not_fit_is_refused() {
    let scratch = Scratch::new();
    let uri = simulate(&scratch.0.join("sim"), "gpu-01", Flavour::Nvidia, 8).unwrap();
    let connector = scratch.connector();
    let path = uri.strip_prefix("test://").unwrap();
    let driver = connector.open_simulated(&address(&uri, None), path).unwrap();
    let seen = driver.devices().await.unwrap().functions;
    let pci = |n: usize| DeviceRef::Pci { address: seen[n].address, companions: vec![] };
    let node = |n: usize| seen[n].numa_node;
    let span = MachineSpec {
        numa: NumaPolicy::Preferred,
        device_nodes: vec![node(7), node(0)],
        disks: vec![],
        nics: vec![],
        ..machine(1, vec![pci(7), pci(0)])
    };
    driver.ensure_defined(&span).await.unwrap();
    driver.ensure_running(span.uuid).await.unwrap();
    let xml = move |s: &Session| Ok(domain_xml(s, span.uuid));
    let xml = driver.line.call(driver::SHORT, xml).await.unwrap();
    for part in [
        "<vcpupin vcpu='1' cpuset='0-63'/>",
        "<vcpupin vcpu='2' cpuset='64-127'/>",
        "<memnode cellid='1' mode='preferred' nodeset='1'/>",
        "<cell id='1' cpus='2-3' memory='2097152' unit='KiB'/>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert_eq!(xml.matches("pcie-expander-bus").count(), 2, "{xml}");
    let large = MachineSpec { memory: 600 << 30, ..machine(2, vec![pci(0)]) };
    let refused = driver.ensure_defined(&large).await.unwrap_err().to_string();
    assert!(refused.contains("NUMA node 0 has 524288 MiB of memory"), "{refused}");
}

fn domain_xml(session: &Session, id: Uuid) -> String {
    let domain = session.connect.lookup_domain_by_uuid_string(&id.to_string()).unwrap();
    domain.xml_desc(0).unwrap()
}

#[tokio::test]
async fn a_machine_with_two_gpus_lives_and_goes() {
    let scratch = Scratch::new();
    let (connector, driver) = simulated(&scratch, Flavour::Amd);
    let mut events = driver.events();
    let gpus: Vec<PciAddress> =
        driver.devices().await.unwrap().functions.iter().map(|f| f.address).collect();
    let pci = |n: usize| DeviceRef::Pci { address: gpus[n], companions: vec![] };
    let spec = machine(1, vec![pci(0), pci(1)]);
    let pool = NewPool { name: "csgpu".into(), path: "/srv/csgpu".into(), nfs: None };
    for _ in 0..2 {
        let (capacity, available) = driver.ensure_pool(&pool).await.unwrap();
        assert!(capacity >= available && available > 0);
        driver.ensure_network(&network(&[])).await.unwrap();
        let file = scratch.0.join("template");
        std::fs::write(&file, b"x").unwrap();
        let template = NewVolume {
            volume: VolumeRef { pool: "csgpu".into(), volume: "template-1".into() },
            format: "qcow2".into(),
            capacity: 2 << 30,
            base: None,
        };
        driver.ensure_uploaded(&template, file).await.unwrap();
        let root = NewVolume {
            volume: spec.disks[0].volume.clone(),
            base: Some(("template-1".into(), "qcow2".into())),
            ..template
        };
        driver.ensure_volume(&root).await.unwrap();
        driver.ensure_slices(&spec.devices).await.unwrap();
        driver.ensure_defined(&spec).await.unwrap();
        driver.ensure_running(spec.uuid).await.unwrap();
        driver.reboot(spec.uuid).await.unwrap();
    }
    let seen = driver.domains().await.unwrap();
    let ours = seen.iter().find(|domain| domain.uuid == spec.uuid).unwrap();
    assert_eq!((ours.active, &ours.pci[..]), (true, &gpus[..2]));
    let proof = driver.prove_clean(&spec.devices[0], &A100).await.unwrap();
    assert!(matches!(proof, Proof::Doubt(why) if why.contains("i-2-1-VM")));
    // a second driver of the same file is the same world, also after the first was closed
    driver.close();
    let uri = format!("test://{}", scratch.0.join("sim/gpu-01.xml").display());
    let driver = connector.open(&address(&uri, None)).unwrap();
    for _ in 0..2 {
        driver.ensure_stopped(spec.uuid, Stop::Graceful { seconds: 5 }).await.unwrap();
        driver.ensure_undefined(spec.uuid).await.unwrap();
        driver.ensure_no_volume(&spec.disks[0].volume).await.unwrap();
        driver.ensure_no_network("csgpu-1").await.unwrap();
    }
    assert_eq!(driver.prove_clean(&spec.devices[0], &A100).await.unwrap(), Proof::Clean);
    driver.ensure_no_pool("csgpu").await.unwrap();
    assert!(driver.ensure_running(spec.uuid).await.is_err());
    let told = tokio::time::timeout(Duration::from_secs(5), async {
        while let Some(event) = events.recv().await {
            if event == HostEvent::Domain(spec.uuid) {
                return true;
            }
        }
        false
    });
    assert!(told.await.unwrap());
}

#[tokio::test]
async fn leases_of_a_network_follow_what_is_wanted() {
    let scratch = Scratch::new();
    let (_connector, driver) = simulated(&scratch, Flavour::Nvidia);
    let (one, two) = (("52:54:00:00:00:01", "10.1.1.5"), ("52:54:00:00:00:02", "10.1.1.6"));
    for leases in [&[one][..], &[one, two], &[two], &[(two.0, one.1)], &[]] {
        driver.ensure_network(&network(leases)).await.unwrap();
        driver.ensure_network(&network(leases)).await.unwrap();
    }
    let moved = NewNetwork { gateway: "10.9.9.1".parse().unwrap(), ..network(&[]) };
    let refused = driver.ensure_network(&moved).await.unwrap_err().to_string();
    assert!(refused.contains("10.1.1.1 instead of 10.9.9.1"), "{refused}");
}

#[tokio::test]
async fn what_a_simulated_host_cannot_do_it_says() {
    let scratch = Scratch::new();
    let (connector, driver) = simulated(&scratch, Flavour::Nvidia);
    let parent = driver.devices().await.unwrap().functions[0].address;
    let slice = DeviceRef::Mdev {
        uuid: Uuid::from_u128(9),
        parent,
        mdev_type: "nvidia-701".into(),
        on_demand: true,
    };
    let refused = driver.ensure_slices(&[slice]).await.unwrap_err().to_string();
    assert!(refused.contains("cannot be created here"), "{refused}");
    let outside = scratch.0.join("other.xml");
    std::fs::write(&outside, "<node/>").unwrap();
    for path in [outside.display().to_string(), "/default".into(), "/../etc/passwd".into()] {
        assert!(connector.open(&address(&format!("test://{path}"), None)).is_err(), "{path}");
    }
}

#[tokio::test]
async fn every_shape_of_domain_is_valid_to_libvirt() {
    let scratch = Scratch::new();
    let uri = simulate(&scratch.0.join("sim"), "gpu-01", Flavour::Nvidia, 1).unwrap();
    raw::start_events(|| {}).unwrap();
    let connect = virt::connect::Connect::open(Some(&uri)).unwrap();
    for entry in
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/hypervisor/libvirt/xml/golden"))
            .unwrap()
    {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !(name.starts_with("domain_") || name.starts_with("hostdev_")) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let defined = connect.define_domain_xml_flags(&text, virt::sys::VIR_DOMAIN_DEFINE_VALIDATE);
        defined.unwrap_or_else(|error| panic!("{name}: {error}")).undefine().unwrap();
    }
}

#[tokio::test]
async fn a_host_that_refuses_says_why_and_a_dead_one_does_not_hold_its_callers() {
    let scratch = Scratch::new();
    let connector = scratch.connector();
    ensure_key(&scratch.0.join("keys")).await.unwrap();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJN0rtvhDeThKVtPy38fVVyYO3ZxHYeOSW6EXKJ7Srh4";
    let driver = connector.open(&address("qemu+ssh://root@127.0.0.1:1/system", Some(key))).unwrap();
    let started = std::time::Instant::now();
    let error = driver.probe().await.unwrap_err().to_string();
    assert!(error.contains("no sshd is listening"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(matches!(driver.link(), Link::Down(_)));
    let started = std::time::Instant::now();
    assert!(driver.ensure_running(Uuid::from_u128(1)).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(1));
    driver.close();
    assert!(driver.probe().await.unwrap_err().to_string().contains("closed"));
}

#[tokio::test]
async fn a_silent_peer_is_given_up_within_ten_seconds() {
    let scratch = Scratch::new();
    let connector = scratch.connector();
    ensure_key(&scratch.0.join("keys")).await.unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("qemu+ssh://root@{}/system", silent.local_addr().unwrap());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJN0rtvhDeThKVtPy38fVVyYO3ZxHYeOSW6EXKJ7Srh4";
    let driver = connector.open(&address(&uri, Some(key))).unwrap();
    let started = std::time::Instant::now();
    let error = driver.probe().await.unwrap_err().to_string();
    assert!(started.elapsed() < Duration::from_secs(12), "{error}");
    assert!(error.contains("said nothing") || error.contains("no answer"), "{error}");
}

#[tokio::test]
async fn the_key_is_made_once_and_stays() {
    let scratch = Scratch::new();
    let keys = scratch.0.join("keys");
    let (one, two) = tokio::join!(ensure_key(&keys), ensure_key(&keys));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two);
    assert!(one.starts_with("ssh-ed25519 ") && one.ends_with(" csgpu"));
    let files: Vec<String> = std::fs::read_dir(&keys)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
}
