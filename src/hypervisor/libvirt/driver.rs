//! The verbs of a host behind libvirt: which line each goes on, how long it may take.

use super::{
    bell::Bell,
    dial::Dial,
    domain,
    hook::DomainHook,
    line::{Line, Session},
    network, nodedev, proof,
    ssh::{self, Ssh},
    storage, upload,
    xml::{self, Capabilities, Ground},
};
use crate::{
    domain::{
        gpu::PciAddress,
        machine::{
            shape::{HostNode, Topology, shape},
            *,
        },
    },
    error::{Error, Result},
    hypervisor::{ExpectedDevice, HostDriver, HostEvent, HostFuture, Link, Stop},
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

/// The limit of a question. A host that hangs is noticed by keepalive long before; this is for a libvirtd that is busy.
pub(super) const SHORT: Duration = Duration::from_secs(60);
/// The limit of a change that may take a while: a start pins the guest's whole memory first.
pub(super) const WORK: Duration = Duration::from_secs(600);
/// How often a guest that was asked to stop is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How many domains of one host are started or stopped at once.
pub(super) const WORKERS: usize = 3;

/// A host behind libvirt.
pub(super) struct LibvirtDriver {
    pub(super) name: String,
    pub(super) bell: Arc<Bell>,
    /// For questions; always connected.
    pub(super) line: Arc<Line>,
    /// For starts and stops: the same domain always on the same one. Empty on a simulated host.
    pub(super) workers: Vec<Line>,
    /// For uploads. `None` on a simulated host.
    pub(super) copies: Option<Line>,
    pub(super) ssh: Option<Ssh>,
    /// Its identity and name where libvirt's test driver has none of its own: the file's path.
    pub(super) simulated: Option<PathBuf>,
    /// The operator's program that may change definitions.
    pub(super) hook: Option<DomainHook>,
}

impl LibvirtDriver {
    /// Whether there is no real host behind it.
    pub(super) const fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }

    /// The line for changes to this domain or slice.
    pub(super) fn work(&self, id: Uuid) -> &Line {
        let index = (id.as_u128() % WORKERS as u128) as usize;
        self.workers.get(index).unwrap_or(&self.line)
    }

    /// The line for changes to this function.
    pub(super) fn work_on(&self, address: PciAddress) -> &Line {
        self.work(Uuid::from_u128(u128::from(address.bus)))
    }

    /// Runs a program on the host; `None` on a simulated one, which has none.
    pub(super) async fn run(&self, words: &[&str], input: &[u8]) -> Result<Option<ssh::Ran>> {
        self.run_for(SHORT, words, input).await
    }

    /// The same, with a limit of its own.
    pub(super) async fn run_for(
        &self,
        limit: Duration,
        words: &[&str],
        input: &[u8],
    ) -> Result<Option<ssh::Ran>> {
        match &self.ssh {
            None => Ok(None),
            Some(ssh) => ssh::run(ssh, &self.name, words, input, limit).await.map(Some),
        }
    }

    /// Whether a program on the host says yes.
    pub(super) async fn succeeds(&self, words: &[&str]) -> Result<bool> {
        self.succeeds_with(words, &[]).await
    }

    /// The same, with input.
    pub(super) async fn succeeds_with(&self, words: &[&str], input: &[u8]) -> Result<bool> {
        Ok(self.run(words, input).await?.is_some_and(|ran| ran.success))
    }

    async fn facts(&self) -> Result<HostFacts> {
        let simulated = self.simulated.clone();
        self.line.call(SHORT, move |session| facts(session, simulated.as_deref())).await
    }

    async fn define(&self, machine: &MachineSpec) -> Result<()> {
        let simulated = self.is_simulated();
        let ground = self.line.call(SHORT, move |s| ground(s, simulated)).await?;
        let bars = self.bars(machine).await;
        let refused = |why: String| {
            Error::Unavailable(format!("host {} cannot run the instance: {why}", self.name))
        };
        if !ground.firmware.contains(&machine.firmware) {
            return Err(refused(match ground.firmware.contains(&Firmware::Uefi) {
                true => "its UEFI firmware has no secure boot".to_owned(),
                false => {
                    "it offers no UEFI firmware; the package of it is called ovmf or edk2-ovmf"
                        .to_owned()
                }
            }));
        }
        let shape = shape(machine, &bars, &ground.capabilities.topology).map_err(refused)?;
        let mut text = xml::domain(machine, &ground, &shape);
        if let Some(extra) = &machine.extra {
            let plain = MachineSpec { extra: None, ..machine.clone() };
            let clash = xml::clash(&xml::domain(&plain, &ground, &shape), extra);
            if let Some(name) = clash {
                return Err(refused(format!("extraconfig: its definition has a {name} already")));
            }
        }
        let id = machine.uuid;
        if let Some(hook) = &self.hook {
            text = hook.ask(&self.name, id, &text).await.map_err(refused)?;
        }
        self.work(id).call(SHORT, move |s| domain::define(s, id, &text)).await
    }

    /// The sizes of the large BARs of each device, as far as the host tells them.
    async fn bars(&self, machine: &MachineSpec) -> Vec<Vec<Bytes>> {
        let functions = |device: &DeviceRef| match device {
            DeviceRef::Pci { address, companions } => [&[*address], companions.as_slice()].concat(),
            DeviceRef::Mdev { .. } => Vec::new(),
        };
        let functions: Vec<Vec<PciAddress>> = machine.devices.iter().map(functions).collect();
        let files: Vec<String> = functions
            .iter()
            .flatten()
            .map(|function| format!("/sys/bus/pci/devices/{function}/resource"))
            .collect();
        if files.is_empty() {
            return Vec::new();
        }
        // six BARs; the seventh line is the expansion ROM, later ones belong to bridges and virtual functions
        let mut words = vec!["head", "-q", "-n", "6"];
        words.extend(files.iter().map(String::as_str));
        let Ok(Some(ran)) = self.run(&words, &[]).await else { return Vec::new() };
        let text = String::from_utf8_lossy(&ran.output);
        let mut lines = text.lines();
        let mut of = |functions: &Vec<PciAddress>| {
            lines.by_ref().take(6 * functions.len()).filter_map(proof::large_bar).collect()
        };
        functions.iter().map(&mut of).collect()
    }

    async fn stop(&self, id: Uuid, how: Stop) -> Result<()> {
        if let Stop::Graceful { seconds } = how {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(u64::from(seconds));
            self.line.call(SHORT, move |s| domain::ask_to_stop(s, id)).await?;
            while self.line.call(SHORT, move |s| domain::is_active(s, id)).await? {
                if tokio::time::Instant::now() + LOOK > deadline {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        self.work(id).call(WORK, move |s| domain::destroy(s, id)).await
    }
}

fn ground(session: &Session, simulated: bool) -> Result<Ground, super::fault::Fault> {
    use super::fault::Fault;
    if simulated {
        let topology = simulated_nodes(&session.connect.node_info()?);
        let capabilities = Capabilities { topology, ..Capabilities::default() };
        let firmware = vec![Firmware::Bios, Firmware::Uefi, Firmware::SecureUefi];
        return Ok(Ground { capabilities, domain_type: "test".to_owned(), firmware });
    }
    let capabilities =
        xml::read_capabilities(&session.connect.capabilities()?).map_err(Fault::Strange)?;
    let arch = (!capabilities.arch.is_empty()).then_some(capabilities.arch.as_str());
    let own = session.connect.domain_capabilities(None, arch, Some("q35"), None, 0);
    let (domain_type, firmware) = match own {
        Ok(text) => xml::read_domain_capabilities(&text).map_err(Fault::Strange)?,
        Err(_) => {
            let has_kvm = capabilities.domain_types.iter().any(|kind| kind == "kvm");
            (if has_kvm { "kvm" } else { "qemu" }.to_owned(), vec![Firmware::Bios])
        }
    };
    Ok(Ground { capabilities, domain_type, firmware })
}

/// The test driver tells how many nodes a host of a file has, but not what is in them: equal parts.
fn simulated_nodes(info: &virt::connect::NodeInfo) -> Topology {
    let nodes = info.nodes.max(1);
    let each = info.cpus / nodes;
    let node = |n: u32| HostNode {
        cpus: (n * each..(n + 1) * each).collect(),
        memory: (info.memory << 10) / u64::from(nodes),
        pages: Default::default(),
    };
    Topology { nodes: (0..nodes).map(|n| (n, node(n))).collect() }
}

fn facts(
    session: &Session,
    simulated: Option<&std::path::Path>,
) -> Result<HostFacts, super::fault::Fault> {
    let connect = &session.connect;
    let ground = ground(session, simulated.is_some())?;
    let node = connect.node_info()?;
    let number = connect.hyp_version().unwrap_or(0);
    let mut facts = HostFacts {
        identity: ground.capabilities.uuid.unwrap_or_default(),
        hostname: connect.hostname()?,
        version: format!("{}.{}.{}", number / 1_000_000, number / 1000 % 1000, number % 1000),
        arch: ground.capabilities.arch,
        cpus: node.cpus,
        mhz: node.mhz,
        sockets: node.sockets * node.nodes.max(1),
        memory: node.memory << 10,
        domain_type: ground.domain_type,
        iommu: ground.capabilities.iommu.unwrap_or(false),
        nodes: ground.capabilities.topology.sizes(),
        pages: ground.capabilities.topology.huge_pages(),
        firmware: ground.firmware.iter().copied().max().unwrap_or_default(),
    };
    if let Some(file) = simulated {
        facts.identity = file.display().to_string();
        facts.hostname = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        facts.arch = "x86_64".to_owned();
        // the test driver says "no" whatever its devices show
        let seen = nodedev::list(session, false)?;
        facts.iommu = seen.functions.iter().any(|function| function.iommu_group.is_some());
    }
    Ok(facts)
}

impl HostDriver for LibvirtDriver {
    fn link(&self) -> Link {
        self.bell.link()
    }

    fn probe(&self) -> HostFuture<'_, HostFacts> {
        Box::pin(self.facts())
    }

    fn devices(&self) -> HostFuture<'_, SeenDevices> {
        let creates = !self.is_simulated();
        Box::pin(self.line.call(SHORT, move |s| nodedev::list(s, creates)))
    }

    fn domains(&self) -> HostFuture<'_, Vec<SeenDomain>> {
        Box::pin(self.line.call(SHORT, domain::list))
    }

    fn parts(&self, domain: Uuid) -> HostFuture<'_, SeenParts> {
        Box::pin(self.line.call(SHORT, move |s| domain::parts(s, domain)))
    }

    fn ensure_pool<'a>(&'a self, pool: &'a NewPool) -> HostFuture<'a, (Bytes, Bytes)> {
        let (pool, simulated) = (pool.clone(), self.is_simulated());
        Box::pin(self.line.call(SHORT, move |s| {
            let size = storage::ensure_pool(s, &pool)?;
            Ok(if simulated { storage::SIMULATED } else { size })
        }))
    }

    fn ensure_no_pool<'a>(&'a self, name: &'a str) -> HostFuture<'a, ()> {
        let name = name.to_owned();
        Box::pin(self.line.call(SHORT, move |s| storage::ensure_no_pool(s, &name)))
    }

    fn ensure_uploaded<'a>(&'a self, volume: &'a NewVolume, file: PathBuf) -> HostFuture<'a, ()> {
        Box::pin(async move { upload::ensure(self, volume, &file).await })
    }

    fn ensure_volume<'a>(&'a self, volume: &'a NewVolume) -> HostFuture<'a, ()> {
        let volume = volume.clone();
        Box::pin(self.line.call(SHORT, move |s| storage::ensure(s, &volume)))
    }

    fn ensure_no_volume<'a>(&'a self, volume: &'a VolumeRef) -> HostFuture<'a, ()> {
        let volume = volume.clone();
        Box::pin(self.line.call(SHORT, move |s| storage::ensure_none(s, &volume)))
    }

    fn ensure_network<'a>(&'a self, network: &'a NewNetwork) -> HostFuture<'a, ()> {
        let network = network.clone();
        Box::pin(self.line.call(SHORT, move |s| network::ensure(s, &network)))
    }

    fn ensure_no_network<'a>(&'a self, name: &'a str) -> HostFuture<'a, ()> {
        let name = name.to_owned();
        Box::pin(self.line.call(SHORT, move |s| network::ensure_none(s, &name)))
    }

    fn ensure_slices<'a>(&'a self, devices: &'a [DeviceRef]) -> HostFuture<'a, ()> {
        let devices = devices.to_vec();
        let line = match devices.first() {
            Some(DeviceRef::Mdev { uuid, .. }) => self.work(*uuid),
            _ => &self.line,
        };
        let creates = !self.is_simulated();
        Box::pin(line.call(WORK, move |s| nodedev::make_slices(s, &devices, creates)))
    }

    fn ensure_defined<'a>(&'a self, machine: &'a MachineSpec) -> HostFuture<'a, ()> {
        Box::pin(self.define(machine))
    }

    fn ensure_running(&self, domain: Uuid) -> HostFuture<'_, ()> {
        Box::pin(self.work(domain).call(WORK, move |s| domain::start(s, domain)))
    }

    fn reboot(&self, domain: Uuid) -> HostFuture<'_, ()> {
        Box::pin(self.work(domain).call(SHORT, move |s| domain::reboot(s, domain)))
    }

    fn ensure_stopped(&self, domain: Uuid, how: Stop) -> HostFuture<'_, ()> {
        Box::pin(self.stop(domain, how))
    }

    fn ensure_undefined(&self, domain: Uuid) -> HostFuture<'_, ()> {
        Box::pin(self.work(domain).call(WORK, move |s| domain::undefine(s, domain)))
    }

    fn prove_clean<'a>(
        &'a self,
        device: &'a DeviceRef,
        expected: &'a ExpectedDevice,
    ) -> HostFuture<'a, Proof> {
        Box::pin(proof::prove(self, device, expected))
    }

    fn events(&self) -> UnboundedReceiver<HostEvent> {
        self.bell.listen()
    }

    fn close(&self) {
        // the line of a simulated host *is* the host: it lives as long as the connector
        if !self.is_simulated() {
            self.line.close();
        }
        self.workers.iter().chain(&self.copies).for_each(Line::close);
    }
}

/// The three kinds of lines to a host behind ssh.
pub(super) fn lines(
    name: &str,
    bell: &Arc<Bell>,
    dial: impl Fn(&str) -> Dial,
) -> Result<(Line, Vec<Line>, Line)> {
    let main = Line::main(name, dial("main"), bell.clone())?;
    let worker = |n: usize| Line::spare(name, dial(&format!("work{n}")), bell.clone());
    let workers = (0..WORKERS).map(worker).collect::<Result<Vec<_>>>()?;
    let copies = Line::spare(name, dial("copies"), bell.clone())?;
    Ok((main, workers, copies))
}
