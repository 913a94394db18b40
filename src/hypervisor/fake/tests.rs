//! The fake keeps the rules that tests of everything else rest on.

use super::*;
use crate::{
    domain::{Id, gpu::PciAddress, machine::*},
    hypervisor::{ExpectedDevice, HostEvent, Link, Stop},
};

fn open(hosts: &FakeConnector, uri: &str) -> Arc<dyn HostDriver> {
    let address =
        HostAddress { host: Id::mint(), name: "h".into(), uri: uri.into(), host_key: None };
    hosts.open(&address).unwrap()
}

fn machine(n: u128, devices: Vec<DeviceRef>) -> MachineSpec {
    MachineSpec {
        uuid: Uuid::from_u128(n),
        name: format!("i-2-{n}-VM"),
        vcpus: 2,
        memory: 1 << 30,
        disks: vec![],
        seed: None,
        nics: vec![],
        devices,
        display: false,
        ..MachineSpec::default()
    }
}

fn pci(address: PciAddress) -> DeviceRef {
    DeviceRef::Pci { address, companions: vec![] }
}

const A100: ExpectedDevice = ExpectedDevice { vendor_id: 0x10de, device_id: 0x20b2, driver: None };

#[tokio::test]
async fn two_connections_see_one_host_and_no_device_has_two_owners() {
    let hosts = FakeConnector::default();
    let host = hosts.add(FakeShape::new("h1").gpus(4));
    let (one, two) = (open(&hosts, "fake://h1"), open(&hosts.clone(), "fake://h1"));
    let gpu = host.addresses()[0];
    one.ensure_defined(&machine(1, vec![pci(gpu)])).await.unwrap();
    two.ensure_defined(&machine(2, vec![pci(gpu)])).await.unwrap();
    one.ensure_running(Uuid::from_u128(1)).await.unwrap();
    assert!(hosts.violations().is_empty());
    assert!(two.ensure_running(Uuid::from_u128(2)).await.is_err());
    assert_eq!(hosts.violations().len(), 1);
    let seen = two.devices().await.unwrap();
    assert_eq!(seen.functions[0].driver.as_deref(), Some("vfio-pci"));
    one.ensure_stopped(Uuid::from_u128(1), Stop::Forced).await.unwrap();
    assert_eq!(one.prove_clean(&pci(gpu), &A100).await.unwrap(), Proof::Clean);
}

#[tokio::test]
async fn a_machine_runs_on_one_host_only_and_groups_are_not_shared() {
    let hosts = FakeConnector::default();
    let host = hosts.add(FakeShape::new("h1").gpus(4).gpus_per_group(2).driver(None));
    let (one, two) = (open(&hosts, "fake://h1"), open(&hosts, "fake://h2?gpus=2"));
    for driver in [&one, &two] {
        driver.ensure_defined(&machine(1, vec![])).await.unwrap();
    }
    one.ensure_running(Uuid::from_u128(1)).await.unwrap();
    assert!(two.ensure_running(Uuid::from_u128(1)).await.is_err());
    let gpus = host.addresses();
    for n in [0, 1] {
        one.ensure_defined(&machine(5 + n as u128, vec![pci(gpus[n])])).await.unwrap();
    }
    one.ensure_running(Uuid::from_u128(5)).await.unwrap();
    let shared = one.ensure_running(Uuid::from_u128(6)).await.unwrap_err();
    assert!(shared.to_string().contains("IOMMU group"), "{shared}");
    assert_eq!(hosts.violations().len(), 2);
}

#[tokio::test]
async fn a_function_without_its_companions_does_not_start() {
    let hosts = FakeConnector::default();
    let host = hosts.add(FakeShape::new("h1").gpus(1).audio());
    let driver = open(&hosts, "fake://h1");
    let [gpu, audio] = host.addresses()[..] else { panic!("two functions") };
    driver.ensure_defined(&machine(1, vec![pci(gpu)])).await.unwrap();
    let refused = driver.ensure_running(Uuid::from_u128(1)).await.unwrap_err();
    assert!(refused.to_string().contains("not viable"), "{refused}");
    let whole = DeviceRef::Pci { address: gpu, companions: vec![audio] };
    driver.ensure_defined(&machine(1, vec![whole])).await.unwrap();
    driver.ensure_running(Uuid::from_u128(1)).await.unwrap();
    assert!(hosts.violations().is_empty());
}

#[tokio::test]
async fn scripted_calls_fail_before_or_after_they_are_done() {
    let hosts = FakeConnector::default();
    let host = hosts.add(FakeShape::new("h1"));
    let driver = open(&hosts, "fake://h1");
    host.fail_at(2);
    driver.probe().await.unwrap();
    assert!(matches!(
        driver.ensure_defined(&machine(1, vec![])).await,
        Err(Error::Unreachable { .. })
    ));
    assert!(host.domain_ids().is_empty());
    host.fail_after(1);
    assert!(driver.ensure_defined(&machine(1, vec![])).await.is_err());
    assert_eq!(host.domain_ids().len(), 1);
    driver.ensure_defined(&machine(1, vec![])).await.unwrap();
    assert_eq!(host.calls(), 4);
}

#[tokio::test]
async fn a_host_that_hangs_goes_on_and_one_that_is_down_says_so() {
    let hosts = FakeConnector::default();
    let host = hosts.add(FakeShape::new("h1"));
    let driver = open(&hosts, "fake://h1");
    let mut events = driver.events();
    host.hang();
    let waiting = tokio::spawn({
        let driver = driver.clone();
        async move { driver.probe().await.map(|facts| facts.hostname) }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    host.resume();
    assert_eq!(waiting.await.unwrap().unwrap(), "h1");
    host.down("cable pulled");
    assert_eq!(driver.link(), Link::Down("cable pulled".into()));
    assert!(driver.probe().await.unwrap_err().to_string().contains("cable pulled"));
    host.up();
    driver.probe().await.unwrap();
    assert_eq!(events.recv().await, Some(HostEvent::Link(Link::Down("cable pulled".into()))));
    assert_eq!(events.recv().await, Some(HostEvent::Link(Link::Up)));
}

#[tokio::test]
async fn slices_are_made_until_none_is_left_and_removed_by_the_proof() {
    let hosts = FakeConnector::default();
    let shape = FakeShape::new("h1").gpus(1).slice_type("nv-1", "A100-4C", 2);
    let host = hosts.add(shape.slice_type("nv-2", "A100-8C", 1));
    let driver = open(&hosts, "fake://h1");
    let parent = host.addresses()[0];
    let slice = |n: u128, kind: &str| DeviceRef::Mdev {
        uuid: Uuid::from_u128(n),
        parent,
        mdev_type: kind.into(),
        on_demand: true,
    };
    driver.ensure_slices(&[slice(1, "nv-1"), slice(2, "nv-1")]).await.unwrap();
    driver.ensure_slices(&[slice(1, "nv-1")]).await.unwrap();
    assert!(driver.ensure_slices(&[slice(3, "nv-2")]).await.is_err());
    let seen = driver.devices().await.unwrap();
    assert!(seen.functions[0].mdev_types.iter().all(|kind| kind.available == 0));
    for n in [1, 2] {
        driver.prove_clean(&slice(n, "nv-1"), &A100).await.unwrap();
    }
    driver.ensure_slices(&[slice(3, "nv-2")]).await.unwrap();
    host.doubt(parent, Some("does not come back from reset"));
    let proof = driver.prove_clean(&slice(3, "nv-2"), &A100).await.unwrap();
    assert_eq!(proof, Proof::Doubt("does not come back from reset".into()));
}

#[tokio::test]
async fn disks_and_networks_must_be_there_to_start() {
    let hosts = FakeConnector::default();
    let driver = open(&hosts, "fake://h1");
    let volume = VolumeRef { pool: "p".into(), volume: "root".into() };
    let mut spec = machine(1, vec![]);
    spec.disks = vec![DiskSpec { volume: volume.clone(), format: "qcow2".into() }];
    driver.ensure_defined(&spec).await.unwrap();
    assert!(driver.ensure_running(spec.uuid).await.is_err());
    driver.ensure_pool(&NewPool { name: "p".into(), path: "/p".into(), nfs: None }).await.unwrap();
    let new = NewVolume { volume, format: "qcow2".into(), capacity: 1 << 30, base: None };
    driver.ensure_volume(&new).await.unwrap();
    driver.ensure_running(spec.uuid).await.unwrap();
    assert!(driver.ensure_no_volume(&new.volume).await.is_err());
    driver.ensure_undefined(spec.uuid).await.unwrap();
    driver.ensure_no_volume(&new.volume).await.unwrap();
}
