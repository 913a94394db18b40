//! The driver against a booted GPU host (`integration/gpu_host/boot NAME`): real sshd, libvirtd, IOMMU groups, vfio, mdev.
//!
//! Run by hand: `CSGPU_RIG_HOST=<run directory>/NAME cargo test --lib real_host -- --ignored --nocapture`.

use super::*;
use std::{path::Path, process::Command};

struct Rig {
    directory: PathBuf,
    uri: String,
    scratch: Scratch,
    connector: LibvirtConnector,
}

impl Rig {
    fn new() -> Self {
        let directory =
            std::env::var_os("CSGPU_RIG_HOST").expect("CSGPU_RIG_HOST: a rig's run directory");
        let directory = PathBuf::from(directory);
        let port = std::fs::read_to_string(directory.join("port")).unwrap();
        let scratch = Scratch::new();
        let connector = scratch.connector();
        let uri = format!("qemu+ssh://root@127.0.0.1:{}/system", port.trim());
        Self { directory, uri, scratch, connector }
    }

    fn keys(&self) -> PathBuf {
        self.scratch.0.join("keys")
    }

    /// Opens the host with the rig's own key as the service's.
    fn open(&self) -> Arc<dyn HostDriver> {
        std::fs::create_dir_all(self.keys()).unwrap();
        for name in ["id_ed25519", "id_ed25519.pub"] {
            std::fs::copy(self.directory.join(name), self.keys().join(name)).unwrap();
        }
        let key = std::fs::read_to_string(self.directory.join("host_key.pub")).unwrap();
        self.connector.open(&address(&self.uri, Some(&key))).unwrap()
    }

    fn host(&self, command: &str) -> String {
        let output =
            Command::new(self.directory.join("ssh")).args(["host", command]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn script(&self, name: &str, words: &[&str]) {
        let host = self.directory.file_name().unwrap();
        let run = self.directory.parent().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("integration/gpu_host").join(name);
        let done =
            Command::new(script).arg(host).args(words).env("CSGPU_RIG_RUN", run).status().unwrap();
        assert!(done.success(), "{name}");
    }
}

fn pci(text: &str, companions: &[&str]) -> DeviceRef {
    DeviceRef::Pci {
        address: text.parse().unwrap(),
        companions: companions.iter().map(|text| text.parse().unwrap()).collect(),
    }
}

fn expect(vendor_id: u16, device_id: u16, driver: Option<&str>) -> ExpectedDevice {
    ExpectedDevice { vendor_id, device_id, driver: driver.map(str::to_owned) }
}

fn took<T>(what: &str, since: &mut std::time::Instant, value: T) -> T {
    eprintln!("{:>7.2} s  {what}", since.elapsed().as_secs_f32());
    *since = std::time::Instant::now();
    value
}

#[tokio::test]
#[ignore = "needs a booted rig"]
async fn real_host_is_enrolled_with_a_password() {
    let rig = Rig::new();
    let login = Login::parse(&rig.uri).unwrap();
    let public = ensure_key(&rig.keys()).await.unwrap();
    let key = scan_and_pin(&login).await.unwrap();
    let real = std::fs::read_to_string(rig.directory.join("host_key.pub")).unwrap();
    assert_eq!(Some(&key), HostKey::parse(&real).as_ref());
    let stranger = rig.connector.open(&address(&rig.uri, Some(&key.line()))).unwrap();
    let error = stranger.probe().await.unwrap_err().to_string();
    assert!(error.contains("does not accept the service's ssh key"), "{error}");
    let wrong = install_key(&login, &key, "wrong", &public, &rig.keys()).await.unwrap_err();
    assert!(wrong.to_string().contains("does not accept this password"), "{wrong}");
    let password = std::fs::read_to_string(rig.directory.join("root_password")).unwrap();
    for _ in 0..2 {
        install_key(&login, &key, password.trim_end_matches('\n'), &public, &rig.keys())
            .await
            .unwrap();
    }
    let lines = rig.host("cat /root/.ssh/authorized_keys");
    assert_eq!(lines.matches(public.split(' ').nth(1).unwrap()).count(), 1);
    let friend = rig.connector.open(&address(&rig.uri, Some(&key.line()))).unwrap();
    friend.probe().await.unwrap();
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJN0rtvhDeThKVtPy38fVVyYO3ZxHYeOSW6EXKJ7Srh4";
    let changed = rig.connector.open(&address(&rig.uri, Some(other))).unwrap();
    let error = changed.probe().await.unwrap_err().to_string();
    assert!(error.contains("acceptnewhostkey"), "{error}");
    let nowhere = format!("{}?socket=/run/nothing.sock", rig.uri);
    let nowhere = rig.connector.open(&address(&nowhere, Some(&key.line()))).unwrap();
    let error = nowhere.probe().await.unwrap_err().to_string();
    assert!(error.contains("no libvirtd answers"), "{error}");
}

#[tokio::test]
#[ignore = "needs a booted rig"]
async fn real_host_runs_a_machine_with_gpus() {
    let rig = Rig::new();
    let driver = rig.open();
    let mut clock = std::time::Instant::now();
    let facts = took("probe", &mut clock, driver.probe().await.unwrap());
    eprintln!("{facts:?}");
    assert!(facts.iommu && facts.domain_type == "qemu" && facts.cpus == 2);
    let seen = took("devices", &mut clock, driver.devices().await.unwrap());
    for function in seen.functions.iter().filter(|f| matches!(f.class >> 8, 3)) {
        eprintln!("{function:?}");
    }
    let pool = NewPool { name: "csgpu".into(), path: "/var/lib/libvirt/csgpu".into(), nfs: None };
    eprintln!("{:?}", took("pool", &mut clock, driver.ensure_pool(&pool).await.unwrap()));
    let spec = furnish(&rig, &driver).await;
    took("disks and network", &mut clock, ());
    driver.ensure_slices(&spec.devices).await.unwrap();
    driver.ensure_defined(&spec).await.unwrap();
    took("define", &mut clock, ());
    driver.ensure_running(spec.uuid).await.unwrap();
    took("start", &mut clock, ());
    driver.ensure_running(spec.uuid).await.unwrap();
    driver.reboot(spec.uuid).await.unwrap();
    let domains = driver.domains().await.unwrap();
    eprintln!("{domains:?}");
    let running = driver.devices().await.unwrap();
    let bound = |seen: &SeenDevices, text: &str| {
        let address: PciAddress = text.parse().unwrap();
        seen.functions.iter().find(|f| f.address == address).unwrap().driver.clone()
    };
    for text in ["41:00.0", "42:00.0", "44:00.0", "44:00.1"] {
        assert_eq!(bound(&running, text).as_deref(), Some("vfio-pci"), "{text}");
    }
    let bochs = expect(0x1234, 0x1111, Some("bochs-drm"));
    let doubt = driver.prove_clean(&spec.devices[1], &bochs).await.unwrap();
    assert!(matches!(doubt, Proof::Doubt(_)));
    clock = std::time::Instant::now();
    driver.ensure_stopped(spec.uuid, Stop::Graceful { seconds: 2 }).await.unwrap();
    took("stop, the guest does not listen", &mut clock, ());
    for (device, expected) in
        spec.devices.iter().zip([expect(0x1002, 0x5046, None), bochs.clone(), bochs.clone()])
    {
        let proof = driver.prove_clean(device, &expected).await.unwrap();
        took(&format!("proof of {device:?}: {proof:?}"), &mut clock, ());
        assert_eq!(proof, Proof::Clean);
    }
    driver.ensure_undefined(spec.uuid).await.unwrap();
    for disk in &spec.disks {
        driver.ensure_no_volume(&disk.volume).await.unwrap();
    }
    driver.ensure_no_volume(spec.seed.as_ref().unwrap()).await.unwrap();
    driver.ensure_no_network("csgpu-1").await.unwrap();
    driver.ensure_no_pool("csgpu").await.unwrap();
    driver.ensure_no_pool("csgpu").await.unwrap();
}

/// Pool content, network and a machine with two GPUs and a group of two functions.
async fn furnish(rig: &Rig, driver: &Arc<dyn HostDriver>) -> MachineSpec {
    let file = rig.scratch.0.join("template.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&file)
        .arg("64M")
        .status()
        .unwrap();
    assert!(made.success());
    let volume = |name: &str| VolumeRef { pool: "csgpu".into(), volume: name.into() };
    let new = |name: &str, format: &str| NewVolume {
        volume: volume(name),
        format: format.into(),
        capacity: 128 << 20,
        base: None,
    };
    for _ in 0..2 {
        driver.ensure_uploaded(&new("template-1", "qcow2"), file.clone()).await.unwrap();
    }
    let info = rig.host("qemu-img info /var/lib/libvirt/csgpu/template-1");
    assert!(info.contains("qcow2") && info.contains("64 MiB"), "{info}");
    let root =
        NewVolume { base: Some(("template-1".into(), "qcow2".into())), ..new("root-1", "qcow2") };
    driver.ensure_volume(&root).await.unwrap();
    driver.ensure_volume(&new("data-1", "raw")).await.unwrap();
    let seed = crate::hypervisor::seed::Seed {
        user_data: b"#cloud-config\n",
        meta_data: "instance-id: 1\n",
        network_config: None,
    };
    let image = crate::hypervisor::seed::build(&seed, &rig.scratch.0).unwrap();
    driver.ensure_uploaded(&new("seed-1", "raw"), image).await.unwrap();
    let read = rig.host(
        "mtype -i /var/lib/libvirt/csgpu/seed-1 ::user-data; blkid /var/lib/libvirt/csgpu/seed-1",
    );
    assert!(read.contains("#cloud-config") && read.contains("cidata"), "{read}");
    let lease = ("52:54:00:00:00:05", "10.1.1.5");
    driver.ensure_network(&network(&[lease])).await.unwrap();
    driver.ensure_network(&network(&[lease, ("52:54:00:00:00:06", "10.1.1.6")])).await.unwrap();
    driver.ensure_network(&network(&[lease])).await.unwrap();
    let disk = |name: &str, format: &str| DiskSpec { volume: volume(name), format: format.into() };
    let bridge = NicSpec { mac: "52:54:00:00:00:07".into(), link: NicLink::Bridge("br0".into()) };
    let mut spec =
        machine(1, vec![pci("41:00.0", &[]), pci("42:00.0", &[]), pci("44:00.0", &["44:00.1"])]);
    spec.memory = 256 << 20;
    spec.vcpus = 1;
    spec.disks = vec![disk("root-1", "qcow2"), disk("data-1", "raw")];
    spec.seed = Some(volume("seed-1"));
    spec.nics.push(bridge);
    spec
}

#[tokio::test]
#[ignore = "needs a booted rig"]
async fn real_host_makes_and_removes_slices() {
    let rig = Rig::new();
    let driver = rig.open();
    let parent: PciAddress = "84:00.0".parse().unwrap();
    let slice = |n: u128| DeviceRef::Mdev {
        uuid: Uuid::from_u128(n),
        parent,
        mdev_type: "csgpu_mdev-2".into(),
        on_demand: true,
    };
    let left = |seen: &SeenDevices| {
        let function = seen.functions.iter().find(|f| f.address == parent).unwrap();
        function.mdev_types.iter().find(|t| t.id == "csgpu_mdev-2").unwrap().available
    };
    assert_eq!(left(&driver.devices().await.unwrap()), 2);
    let mut spec = machine(2, vec![slice(1), slice(2)]);
    (spec.disks, spec.nics) = (vec![], vec![]);
    (spec.memory, spec.numa_nodes) = (128 << 20, vec![]);
    let mut clock = std::time::Instant::now();
    for _ in 0..2 {
        driver.ensure_slices(&spec.devices).await.unwrap();
    }
    took("two slices", &mut clock, ());
    let refused = driver.ensure_slices(&[slice(3)]).await.unwrap_err();
    eprintln!("{refused}");
    let seen = driver.devices().await.unwrap();
    eprintln!("{:?}", seen.mdevs);
    assert_eq!((seen.mdevs.len(), left(&seen)), (2, 0));
    driver.ensure_defined(&spec).await.unwrap();
    driver.ensure_running(spec.uuid).await.unwrap();
    took("start", &mut clock, ());
    let domains = driver.domains().await.unwrap();
    assert_eq!(domains.iter().find(|d| d.uuid == spec.uuid).unwrap().mdevs.len(), 2);
    let gpu = expect(0x1002, 0x5159, Some("csgpu_mdev"));
    assert!(matches!(driver.prove_clean(&slice(1), &gpu).await.unwrap(), Proof::Doubt(_)));
    driver.ensure_undefined(spec.uuid).await.unwrap();
    for _ in 0..2 {
        for n in [1, 2] {
            assert_eq!(driver.prove_clean(&slice(n), &gpu).await.unwrap(), Proof::Clean);
        }
    }
    took("stop and two proofs, twice", &mut clock, ());
    let seen = driver.devices().await.unwrap();
    assert_eq!((seen.mdevs.len(), left(&seen)), (0, 2));
}

#[tokio::test]
#[ignore = "needs a booted rig"]
async fn real_host_falls_silent_and_comes_back() {
    let rig = Rig::new();
    let driver = rig.open();
    driver.probe().await.unwrap();
    let mut events = driver.events();
    let mut clock = std::time::Instant::now();
    rig.script("freeze", &[]);
    let error = driver.domains().await.unwrap_err();
    took(&format!("frozen: {error}"), &mut clock, ());
    assert!(matches!(error, Error::Unreachable { .. }));
    assert!(matches!(events.recv().await, Some(HostEvent::Link(Link::Down(_)))));
    let quick = driver.ensure_running(Uuid::from_u128(1)).await.unwrap_err();
    took(&format!("while down: {quick}"), &mut clock, ());
    rig.script("thaw", &[]);
    loop {
        match events.recv().await {
            Some(HostEvent::Link(Link::Up)) => break,
            Some(event) => eprintln!("{event:?}"),
            None => panic!("the driver is gone"),
        }
    }
    took("up again", &mut clock, ());
    driver.domains().await.unwrap();
}

/// Threads of this process by name.
fn threads(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    tasks.filter_map(|task| name(task.unwrap()).ok()).filter(|n| n.starts_with(prefix)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a booted rig"]
async fn real_host_takes_one_upload_from_two_servers_and_answers_meanwhile() {
    let rig = Rig::new();
    let other = Rig::new();
    let (one, two) = (rig.open(), other.open());
    let pool = NewPool { name: "copy".into(), path: "/var/lib/libvirt/copy".into(), nfs: None };
    one.ensure_pool(&pool).await.unwrap();
    let file = rig.scratch.0.join("large");
    let content: Vec<u8> = (0..96_u32 << 18).flat_map(u32::to_le_bytes).collect();
    std::fs::write(&file, &content).unwrap();
    let volume = VolumeRef { pool: "copy".into(), volume: "large".into() };
    let new = NewVolume { volume, format: "raw".into(), capacity: 1, base: None };
    one.ensure_no_volume(&new.volume).await.unwrap();
    let mut clock = std::time::Instant::now();
    let upload = |driver: Arc<dyn HostDriver>| {
        let (new, file) = (new.clone(), file.clone());
        tokio::spawn(async move { driver.ensure_uploaded(&new, file).await })
    };
    let uploads = [upload(one.clone()), upload(two.clone())];
    let mut slowest = Duration::ZERO;
    while uploads.iter().any(|upload| !upload.is_finished()) {
        let asked = std::time::Instant::now();
        one.domains().await.unwrap();
        one.ensure_stopped(Uuid::from_u128(77), Stop::Forced).await.unwrap();
        slowest = slowest.max(asked.elapsed());
    }
    for upload in uploads {
        upload.await.unwrap().unwrap();
    }
    took(&format!("two uploads of 96 MiB, slowest other call {slowest:?}"), &mut clock, ());
    assert!(threads("host-") <= 10);
    std::fs::write(rig.scratch.0.join("back"), rig.host("sha256sum /var/lib/libvirt/copy/large"))
        .unwrap();
    let here = Command::new("sha256sum").arg(&file).output().unwrap().stdout;
    let there = std::fs::read(rig.scratch.0.join("back")).unwrap();
    assert_eq!(here[..64], there[..64]);
    one.ensure_no_volume(&new.volume).await.unwrap();
    // cut in the middle: the rest is no volume, and the next one begins anew
    let cut = upload(one.clone());
    tokio::time::sleep(Duration::from_secs(2)).await;
    rig.host("pkill -o -f 'virt-ssh-helper|nc -U' ; pkill -f 'virt-ssh-helper|nc -U'");
    eprintln!("cut: {:?}", cut.await.unwrap());
    while let Err(error) = one.ensure_uploaded(&new, file.clone()).await {
        eprintln!("again: {error}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(here[..64], rig.host("sha256sum /var/lib/libvirt/copy/large").as_bytes()[..64]);
    one.ensure_no_volume(&new.volume).await.unwrap();
    assert_eq!(rig.host("ls /var/lib/libvirt/copy"), "");
    one.ensure_no_pool("copy").await.unwrap();
    one.close();
    two.close();
}

#[tokio::test]
#[ignore = "needs a booted rig"]
async fn real_host_whose_libvirtd_hangs_is_given_up_and_found_again() {
    let rig = Rig::new();
    rig.host("systemctl kill -s STOP libvirtd");
    let driver = rig.open();
    let mut clock = std::time::Instant::now();
    let error = driver.probe().await.unwrap_err();
    let waited = clock.elapsed();
    took(&format!("{error}"), &mut clock, ());
    rig.host("systemctl kill -s CONT libvirtd");
    assert!(error.to_string().contains("said nothing") && waited < Duration::from_secs(12));
    while driver.probe().await.is_err() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    took("found again", &mut clock, ());
}

#[tokio::test]
#[ignore = "needs a booted rig"]
async fn real_host_with_a_dead_gpu_raises_a_doubt() {
    let rig = Rig::new();
    let driver = rig.open();
    let device = pci("43:00.0", &[]);
    let bochs = expect(0x1234, 0x1111, Some("bochs-drm"));
    assert_eq!(driver.prove_clean(&device, &bochs).await.unwrap(), Proof::Clean);
    let other = expect(0x10de, 0x1111, Some("bochs-drm"));
    eprintln!("{:?}", driver.prove_clean(&device, &other).await.unwrap());
    rig.script("device", &["43:00.0", "dead"]);
    let doubt = driver.prove_clean(&device, &bochs).await.unwrap();
    eprintln!("{doubt:?}");
    assert!(matches!(doubt, Proof::Doubt(_)));
    rig.script("device", &["43:00.0", "alive"]);
    assert_eq!(driver.prove_clean(&device, &bochs).await.unwrap(), Proof::Clean);
}
