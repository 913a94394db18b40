//! The driver alone against a real host, for what the whole service has no way to ask: slices beyond what there is and a
//! proof while one is in use, an upload from two services that is cut, a libvirtd that hangs, a key installed twice.

use super::rig::{self, Host, eventually};
use crate::world::rack::machine;
use csgpu::{
    domain::{Id, gpu::PciAddress, machine::*},
    hypervisor::{
        Connector, ExpectedDevice, HostAddress, HostDriver, Stop,
        libvirt::{
            LibvirtConnector, LibvirtSettings, Login, ensure_key, install_key, scan_and_pin,
        },
    },
};
use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use uuid::Uuid;

/// A service of which there is only the driver.
struct Service {
    directory: PathBuf,
    connector: LibvirtConnector,
}

impl Service {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("csgpu-rig-{}", Uuid::new_v4().simple()));
        fs::create_dir_all(&directory).expect("a directory");
        let connector = LibvirtConnector::new(LibvirtSettings {
            keys: directory.join("keys"),
            scratch: directory.join("run"),
            simulators: None,
            hook: None,
        });
        Self { directory, connector: connector.expect("a connector") }
    }

    fn keys(&self) -> PathBuf {
        self.directory.join("keys")
    }

    /// Opens the host with the rig's own key as the service's.
    fn open(&self, host: &Host) -> Arc<dyn HostDriver> {
        fs::create_dir_all(self.keys()).expect("a directory");
        for name in ["id_ed25519", "id_ed25519.pub"] {
            fs::copy(host.file(name), self.keys().join(name)).expect("the rig's key");
        }
        let host_key = fs::read_to_string(host.file("host_key.pub")).expect("the host's key");
        let address = HostAddress {
            host: Id::mint(),
            name: host.name.to_owned(),
            uri: host.uri(),
            host_key: Some(host_key),
        };
        self.connector.open(&address).expect("a driver")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn took(what: &str, since: Instant) {
    eprintln!("gpu_host: {:>5.1} s {what}", since.elapsed().as_secs_f32());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_driver_keeps_its_word_where_no_command_asks_it() {
    let Some(host) = rig::take("b").await else { return };
    it_installs_its_key_once(&host).await;
    host.assert_free();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_driver_waits_for_others_and_for_a_host_that_hangs() {
    let Some(host) = rig::take("b").await else { return };
    it_makes_and_removes_slices(&host).await;
    one_upload_from_two_services_is_one_and_others_are_answered_meanwhile(&host).await;
    a_libvirtd_that_hangs_is_given_up_and_found_again(&host).await;
    host.assert_free();
}

async fn it_installs_its_key_once(host: &Host) {
    let service = Service::new();
    let login = Login::parse(&host.uri()).expect("an address");
    let public = ensure_key(&service.keys()).await.expect("a key");
    let key = scan_and_pin(&login).await.expect("the host's key");
    let (password, keys) = (host.password(), service.keys());
    for _ in 0..2 {
        install_key(&login, &key, &password, &public, &keys).await.expect("it is installed");
    }
    let lines = host.sh("cat /root/.ssh/authorized_keys");
    assert_eq!(lines.matches(public.split(' ').nth(1).expect("a key")).count(), 1);
}

async fn it_makes_and_removes_slices(host: &Host) {
    let service = Service::new();
    let driver = service.open(host);
    let parent: PciAddress = "84:00.0".parse().expect("an address");
    let slice = |n: u128| DeviceRef::Mdev {
        uuid: Uuid::from_u128(n),
        parent,
        mdev_type: "csgpu_mdev-2".into(),
        on_demand: true,
    };
    let left = |seen: &SeenDevices| {
        let function = seen.functions.iter().find(|f| f.address == parent).expect("the GPU");
        let kind = function.mdev_types.iter().find(|t| t.id == "csgpu_mdev-2");
        (seen.mdevs.len(), kind.expect("a type").available)
    };
    assert_eq!(left(&driver.devices().await.expect("an answer")), (0, 2));
    let spec =
        MachineSpec { memory: 128 << 20, ..machine(Uuid::from_u128(2), vec![slice(1), slice(2)]) };
    let began = Instant::now();
    for _ in 0..2 {
        driver.ensure_slices(&spec.devices).await.expect("two slices");
    }
    let refused = driver.ensure_slices(&[slice(3)]).await.expect_err("there is no third");
    eprintln!("gpu_host: {refused}");
    assert_eq!(left(&driver.devices().await.expect("an answer")), (2, 0));
    driver.ensure_defined(&spec).await.expect("it is defined");
    driver.ensure_running(spec.uuid).await.expect("it runs");
    let domains = driver.domains().await.expect("an answer");
    let ours = domains.iter().find(|d| d.uuid == spec.uuid).expect("the domain");
    assert_eq!(ours.mdevs.len(), 2);
    let driver_name = Some("csgpu_mdev".to_owned());
    let gpu = ExpectedDevice { vendor_id: 0x1002, device_id: 0x5159, driver: driver_name };
    let proof = driver.prove_clean(&slice(1), &gpu).await.expect("an answer");
    assert!(matches!(proof, Proof::Doubt(_)), "it is in use: {proof:?}");
    driver.ensure_undefined(spec.uuid).await.expect("it is gone");
    for n in [1, 2, 1, 2] {
        assert_eq!(driver.prove_clean(&slice(n), &gpu).await.expect("an answer"), Proof::Clean);
    }
    assert_eq!(left(&driver.devices().await.expect("an answer")), (0, 2));
    took("two slices come, are used and go", began);
    driver.close();
}

/// Threads of this process by the beginning of their name.
fn threads(prefix: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("this process");
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    tasks.filter_map(|task| name(task.ok()?)).filter(|name| name.starts_with(prefix)).count()
}

async fn one_upload_from_two_services_is_one_and_others_are_answered_meanwhile(host: &Host) {
    let (first, second) = (Service::new(), Service::new());
    let before = threads("host-");
    let (one, two) = (first.open(host), second.open(host));
    let pool = NewPool { name: "copy".into(), path: "/var/lib/libvirt/copy".into(), nfs: None };
    one.ensure_pool(&pool).await.expect("a pool");
    let file = first.directory.join("large");
    let content: Vec<u8> = (0..96_u32 << 18).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &content).expect("a file");
    let volume = VolumeRef { pool: "copy".into(), volume: "large".into() };
    let new = NewVolume { volume, format: "raw".into(), capacity: 1, base: None };
    one.ensure_no_volume(&new.volume).await.expect("no volume");
    let began = Instant::now();
    let upload = |driver: &Arc<dyn HostDriver>| {
        let (driver, new, file) = (driver.clone(), new.clone(), file.clone());
        tokio::spawn(async move { driver.ensure_uploaded(&new, file).await })
    };
    let uploads = [upload(&one), upload(&two)];
    let mut slowest = Duration::ZERO;
    while uploads.iter().any(|upload| !upload.is_finished()) {
        let asked = Instant::now();
        one.domains().await.expect("an answer");
        one.ensure_stopped(Uuid::from_u128(77), Stop::Forced).await.expect("it does not run");
        slowest = slowest.max(asked.elapsed());
    }
    for upload in uploads {
        upload.await.expect("no panic").expect("an upload");
    }
    took(&format!("two uploads of 96 MiB, slowest other call {slowest:?}"), began);
    assert!(threads("host-") <= before + 10);
    let here = Command::new("sha256sum").arg(&file).output().expect("sha256sum").stdout;
    let there = || host.sh("sha256sum /var/lib/libvirt/copy/large").into_bytes();
    assert_eq!(here[..64], there()[..64]);
    one.ensure_no_volume(&new.volume).await.expect("no volume");
    // cut in the middle: the rest is no volume, and the next one begins anew
    let cut = upload(&one);
    sleep(Duration::from_secs(2)).await;
    host.sh("pkill -f '[v]irt-ssh-helper|[n]c -U' ; true");
    eprintln!("gpu_host: cut: {:?}", cut.await.expect("no panic"));
    eventually("the upload succeeds", 120, async || {
        one.ensure_uploaded(&new, file.clone()).await.is_ok()
    })
    .await;
    assert_eq!(here[..64], there()[..64]);
    one.ensure_no_volume(&new.volume).await.expect("no volume");
    assert_eq!(host.sh("ls /var/lib/libvirt/copy"), "");
    one.ensure_no_pool("copy").await.expect("no pool");
    one.close();
    two.close();
}

async fn a_libvirtd_that_hangs_is_given_up_and_found_again(host: &Host) {
    let service = Service::new();
    host.sh("systemctl kill -s STOP libvirtd");
    let driver = service.open(host);
    let began = Instant::now();
    let error = driver.probe().await.expect_err("it hangs").to_string();
    let waited = began.elapsed();
    host.sh("systemctl kill -s CONT libvirtd");
    assert!(error.contains("said nothing") && waited < Duration::from_secs(12), "{error}");
    eventually("the host is found again", 60, async || driver.probe().await.is_ok()).await;
    took("given up and found again", began);
    driver.close();
}
