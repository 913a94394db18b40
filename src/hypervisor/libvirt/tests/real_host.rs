//! The driver against a booted GPU host (`integration/gpu_host/boot NAME`): real sshd, libvirtd, IOMMU groups, vfio, mdev.
//!
//! What `integration/gpu_host` tries through the whole service is not tried here again. What is here needs the driver
//! itself: slices beyond what there is and a proof while one is in use, an upload from two services that is cut, a
//! libvirtd that hangs, a key that is installed twice.
//!
//! Run by hand: `CSGPU_RIG_HOST=<run directory>/NAME cargo test --lib real_host -- --ignored --nocapture`.

use super::*;
use std::process::Command;

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
async fn real_host_gets_a_key_once() {
    let rig = Rig::new();
    let login = Login::parse(&rig.uri).unwrap();
    let public = ensure_key(&rig.keys()).await.unwrap();
    let key = scan_and_pin(&login).await.unwrap();
    let password = std::fs::read_to_string(rig.directory.join("root_password")).unwrap();
    for _ in 0..2 {
        let password = password.trim_end_matches('\n');
        install_key(&login, &key, password, &public, &rig.keys()).await.unwrap();
    }
    let lines = rig.host("cat /root/.ssh/authorized_keys");
    assert_eq!(lines.matches(public.split(' ').nth(1).unwrap()).count(), 1);
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
    (spec.memory, spec.numa) = (128 << 20, NumaPolicy::Ignored);
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
