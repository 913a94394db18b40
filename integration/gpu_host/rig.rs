//! Real hosts: booted once a process by the scripts beside this file, looked at over an ssh of their own.

use crate::world::server::env;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard};

/// The hosts of a run.
const NAMES: [&str; 2] = ["a", "b"];

/// Every GPU function of a host, with the audio function of one, and the driver that each has when nobody uses it.
pub const DRIVERS: [(&str, &str); 10] = [
    ("41:00.0", "none"),
    ("42:00.0", "bochs-drm"),
    ("43:00.0", "bochs-drm"),
    ("44:00.0", "bochs-drm"),
    ("44:00.1", "none"),
    ("81:00.0", "bochs-drm"),
    ("82:00.0", "bochs-drm"),
    ("82:00.1", "bochs-drm"),
    ("83:00.0", "virtio-pci"),
    ("84:00.0", "csgpu_mdev"),
];

/// A running host that belongs to one test until it is dropped.
pub struct Host {
    /// `a` or `b`.
    pub name: &'static str,
    _turn: MutexGuard<'static, ()>,
}

/// Takes host `a` or `b`, swept clean. `None`: this run goes without hosts, and has said so.
pub async fn take(name: &'static str) -> Option<Host> {
    static TURNS: [Mutex<()>; 2] = [Mutex::const_new(()), Mutex::const_new(())];
    static BOOTED: OnceLock<Result<(), String>> = OnceLock::new();
    let turn = NAMES.iter().position(|other| *other == name).expect("a host is called a or b");
    if let Some(why) = absent() {
        static TOLD: OnceLock<()> = OnceLock::new();
        TOLD.get_or_init(|| eprintln!("\n*** NO REAL GPU HOST IS TESTED: {why} ***\n"));
        return None;
    }
    let turn = TURNS[turn].lock().await;
    let booted = tokio::task::spawn_blocking(|| BOOTED.get_or_init(boot_all));
    if let Err(why) = booted.await.expect("booting does not panic") {
        panic!("the GPU hosts did not boot: {why}");
    }
    let host = Host { name, _turn: turn };
    host.mend();
    Some(host)
}

/// Why there are no hosts, if that is allowed.
fn absent() -> Option<&'static str> {
    if env("CSGPU_TEST_GPU_HOST").as_deref() == Some("off") {
        return Some("CSGPU_TEST_GPU_HOST is off");
    }
    let found = Command::new("qemu-system-x86_64").arg("--version").stdout(Stdio::null()).status();
    if found.is_ok() {
        return None;
    }
    assert!(env("CI").is_none(), "CI must have qemu-system-x86_64: see scripts/packages");
    Some("there is no qemu-system-x86_64: scripts/packages test installs it")
}

fn keep() -> bool {
    env("CSGPU_TEST_GPU_HOST").as_deref() == Some("keep")
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("integration/gpu_host")
}

/// The run directories of this checkout's hosts, also when several checkouts share a cache of images.
fn runs() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/gpu-host/run");
    env("CSGPU_RIG_RUN").map_or_else(own, PathBuf::from)
}

/// One of the scripts, to its end; what it said when it failed.
fn script(name: &str, words: &[&str]) -> Result<(), String> {
    script_with(name, words, &[])
}

/// The same, with more in its environment.
fn script_with(name: &str, words: &[&str], settings: &[(&str, &str)]) -> Result<(), String> {
    let mut command = Command::new(scripts().join(name));
    command.args(words).env("CSGPU_RIG_RUN", runs()).stdin(Stdio::null());
    command.envs(settings.iter().copied());
    let done = command.output().map_err(|error| format!("{name}: {error}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(()) } else { Err(format!("{name} {words:?}: {said}")) }
}

fn boot_all() -> Result<(), String> {
    let began = Instant::now();
    if keep() {
        script("boot", &NAMES)?;
    } else {
        watch()?;
        let _ = script("stop", &["--fast", NAMES[0], NAMES[1]]);
        script("boot", &["--fresh", NAMES[0], NAMES[1]])?;
    }
    eprintln!("gpu_host: {NAMES:?} are up after {:.0} s", began.elapsed().as_secs_f32());
    Ok(())
}

/// Stops the hosts when this process is gone, however it ended: statics are never dropped, a killed run drops nothing.
fn watch() -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let loops = "while kill -0 \"$1\" 2>/dev/null; do sleep 1; done; exec \"$2\" --fast a b";
    let mut command = Command::new("sh");
    command
        .args(["-c", loops, "watch", &std::process::id().to_string()])
        .arg(scripts().join("stop"));
    command.env("CSGPU_RIG_RUN", runs()).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // it outlives this process, which therefore cannot wait for it
    let spawned = command.spawn();
    spawned.map(drop).map_err(|error| format!("no watchdog: {error}"))
}

impl Host {
    /// A file of its run directory.
    pub fn file(&self, name: &str) -> PathBuf {
        runs().join(self.name).join(name)
    }

    fn line(&self, name: &str) -> String {
        let text = fs::read_to_string(self.file(name)).expect("a booted host's run directory");
        text.trim().to_owned()
    }

    /// The port of its sshd on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.line("port").parse().expect("a port")
    }

    /// How a service reaches it.
    pub fn uri(&self) -> String {
        uri(self.port())
    }

    /// Root's password.
    pub fn password(&self) -> String {
        self.line("root_password")
    }

    /// Runs a shell line on the host; what it printed, or what it complained of.
    pub fn try_sh(&self, line: &str) -> Result<String, String> {
        let mut command = Command::new("timeout");
        command.arg("60").arg(self.file("ssh")).args(["host", line]).stdin(Stdio::null());
        let done = command.output().map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    /// Runs a shell line on the host that must succeed.
    pub fn sh(&self, line: &str) -> String {
        self.try_sh(line).unwrap_or_else(|error| panic!("host {}: {line}: {error}", self.name))
    }

    /// The driver of each function that is named, `none` without one.
    pub fn drivers(&self, addresses: &[&str]) -> Vec<String> {
        let found = self.sh(&drivers_of(&addresses.join(" ")));
        let driver = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
        found.lines().map(driver).collect()
    }

    /// The driver of one function.
    pub fn driver(&self, address: &str) -> String {
        self.drivers(&[address]).swap_remove(0)
    }

    /// The PCI functions (short form) that the XML of a domain gives to the guest, sorted.
    pub fn hostdevs(&self, domain: &str) -> Vec<String> {
        let xml = self.sh(&format!("virsh dumpxml {domain}"));
        let mut found: Vec<String> = xml
            .split("<hostdev ")
            .skip(1)
            .filter(|part| part.contains("type='pci'"))
            .filter_map(|part| part.split_once("<source>")?.1.split_once("</source>"))
            .map(|(source, _)| address(source))
            .collect();
        found.sort();
        found
    }

    /// The UUIDs of the mediated devices that exist, as sysfs says.
    pub fn mdevs(&self) -> Vec<String> {
        self.sh("ls /sys/bus/mdev/devices").lines().map(str::to_owned).collect()
    }

    /// Names of all domains, running or not.
    pub fn domains(&self) -> Vec<String> {
        let text = self.sh("virsh list --all --name");
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Nothing of anybody's is on the host: no domain, no slice, every function with its own driver.
    pub fn assert_free(&self) {
        let list = DRIVERS.map(|(address, _)| address).join(" ");
        let found = self.sh(&format!(
            "virsh list --all --name | grep . | sed 's/^/domain /'; ls /sys/bus/mdev/devices | sed 's/^/slice /'; {}",
            drivers_of(&list)
        ));
        let wanted = DRIVERS.map(|(address, driver)| format!("{address} {driver}")).join("\n");
        assert_eq!(
            found, wanted,
            "what is on host {} (left) is not what was there before",
            self.name
        );
    }

    /// It hangs: connections stay open, nothing answers.
    pub fn freeze(&self) {
        self.script("freeze", &[]);
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.script("thaw", &[]);
    }

    /// Its power is cut.
    pub fn cut(&self) {
        self.script("cut", &[]);
    }

    /// It is switched on again and answers; root accepts the keys in this file, as before.
    pub fn boot(&self, keys: &Path) {
        let keys = keys.to_str().expect("a path in UTF-8");
        self.boot_with(&[("CSGPU_RIG_AUTHORIZED_KEYS", keys)]);
    }

    /// It is started anew as this part of the environment tells `boot`, and answers.
    pub fn boot_anew(&self, settings: &[(&str, &str)]) {
        self.script("stop", &[]);
        self.boot_with(settings);
    }

    fn boot_with(&self, settings: &[(&str, &str)]) {
        if let Err(why) = script_with("boot", &[self.name], settings) {
            panic!("{why}");
        }
    }

    /// What `device` does to one function: `dead`, `alive`, `gone`, `back`.
    pub fn device(&self, address: &str, what: &str) {
        self.script("device", &[address, what]);
    }

    /// Its sshd gets another key of this comment; the rig's own ssh learns it.
    pub fn change_host_key(&self) {
        self.sh(
            "rm -f /etc/ssh/ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key \
             && systemctl restart ssh",
        );
        let known = Command::new("ssh-keyscan")
            .args(["-p", &self.port().to_string(), "-t", "ed25519", "127.0.0.1"])
            .output()
            .expect("ssh-keyscan");
        assert!(!known.stdout.is_empty(), "sshd of host {} does not come back", self.name);
        fs::write(self.file("known_hosts"), known.stdout).expect("a run directory");
    }

    fn script(&self, name: &str, words: &[&str]) {
        let words: Vec<&str> = std::iter::once(self.name).chain(words.iter().copied()).collect();
        if let Err(why) = script(name, &words) {
            panic!("{why}");
        }
    }

    /// Whatever an earlier test left: off, frozen, without libvirtd, with domains, slices, pools, devices off the bus.
    fn mend(&self) {
        let _ = script("thaw", &[self.name]);
        if self.try_sh("true").is_err() {
            let _ = script("stop", &["--fast", self.name]);
            self.script("boot", &[]);
        }
        self.sh(SWEEP);
        self.assert_free();
    }
}

/// Ends and forgets everything that tests make on a host.
const SWEEP: &str = "systemctl start libvirtd.socket libvirtd; \
    for p in 40:00.0=41 40:01.0=42 40:02.0=43 40:03.0=44 80:00.0=81 80:01.0=82 80:02.0=83 80:03.0=84; do \
        setpci -s ${p%=*} SUBORDINATE_BUS=${p#*=} SECONDARY_BUS=${p#*=}; \
        [ -e /sys/bus/pci/devices/0000:${p#*=}:00.0 ] || echo 1 >/sys/bus/pci/devices/0000:${p%=*}/rescan; \
    done; \
    for d in $(virsh list --name); do virsh destroy $d; done >/dev/null; \
    for d in $(virsh list --all --name); do virsh undefine $d --nvram; done >/dev/null; \
    for d in /sys/bus/mdev/devices/*; do [ ! -e $d ] || echo 1 >$d/remove; done; \
    for p in $(virsh pool-list --all --name); do virsh pool-destroy $p; virsh pool-undefine $p; done >/dev/null 2>&1; \
    for n in $(virsh net-list --all --name); do virsh net-destroy $n; virsh net-undefine $n; done >/dev/null 2>&1; \
    for n in $(virsh nwfilter-list 2>/dev/null | grep -o csgpu-[^ ]*); do virsh nwfilter-undefine $n; done >/dev/null; \
    rm -rf /srv/pool; mkdir -p /srv/pool; sed -i '/ csgpu$/d' /root/.ssh/authorized_keys; \
    for a in 42 43 44 81 82; do for f in 0 1; do d=/sys/bus/pci/devices/0000:$a:00.$f; \
        [ ! -e $d/driver ] || [ $(basename $(readlink $d/driver)) != vfio-pci ] || virsh nodedev-reattach pci_0000_${a}_00_$f; \
    done; done >/dev/null; true";

/// A shell line that prints each function with its driver.
fn drivers_of(list: &str) -> String {
    format!(
        "for a in {list}; do d=$(readlink /sys/bus/pci/devices/0000:$a/driver) && d=$(basename $d) || d=none; echo $a $d; done"
    )
}

/// `qemu+ssh://` through a port of this machine.
pub fn uri(port: u16) -> String {
    format!("qemu+ssh://root@127.0.0.1:{port}/system")
}

/// `<address domain='0x0000' bus='0x82' slot='0x00' function='0x1'/>` as `82:00.1`.
fn address(source: &str) -> String {
    let part = |name: &str| {
        let from = source.split_once(&format!("{name}='0x")).map_or("", |(_, rest)| rest);
        from.split('\'').next().unwrap_or_default().to_owned()
    };
    format!("{}:{}.{}", part("bus"), part("slot"), part("function"))
}

/// Waits until something holds, looking twice a second.
pub async fn eventually(what: &str, seconds: u64, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !holds().await {
        assert!(Instant::now() < end, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
