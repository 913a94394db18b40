//! The verbs of a fake host.

use super::{host::FakeHost, state::*};
use crate::{
    domain::machine::*,
    error::{Error, Result},
    hypervisor::{ExpectedDevice, HostDriver, HostEvent, HostFuture, Link, Stop},
};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use uuid::Uuid;

/// One open connection to a fake host.
pub(super) struct FakeDriver {
    host: FakeHost,
    closed: AtomicBool,
}

impl FakeDriver {
    pub(super) fn new(host: FakeHost) -> Self {
        Self { host, closed: AtomicBool::new(false) }
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        verb: &'static str,
        act: impl FnOnce(&mut State) -> Result<T> + Send + 'a,
    ) -> HostFuture<'a, T> {
        Box::pin(async move {
            if self.closed.load(Ordering::SeqCst) {
                let why = "the connection is closed".to_owned();
                return Err(Error::Unreachable { host: self.host.name(), why });
            }
            self.host.call(verb, act).await
        })
    }

    fn start(&self, state: &mut State, id: Uuid) -> Result<()> {
        let Some(domain) = state.domains.get(&id) else {
            return state.refuse(format!("domain {id} is not defined"));
        };
        if domain.running.is_some() {
            return Ok(());
        }
        let spec = domain.spec.clone();
        state.check_start(id, &spec)?;
        if let Some(other) = self.host.world.started(id, &state.shape.name) {
            let line = format!("{}: domain {id} already runs on host {other}", state.shape.name);
            state.violations.push(line.clone());
            return state.refuse(line);
        }
        if let Some(domain) = state.domains.get_mut(&id) {
            let devices = spec.devices.clone();
            domain.running = Some(spec);
            state.ran_from(id, devices);
        }
        state.tell(&HostEvent::Domain(id));
        Ok(())
    }

    fn stop(&self, state: &mut State, id: Uuid) {
        if let Some(domain) = state.domains.get_mut(&id)
            && domain.running.take().is_some()
        {
            self.host.world.stopped(id, &state.shape.name);
            state.ran_until(id);
            state.tell(&HostEvent::Domain(id));
        }
    }

    /// The device is in nobody's hands; if it is, the caller's books are wrong.
    fn check_released(state: &mut State, device: &DeviceRef) -> Result<()> {
        let holder = match device {
            DeviceRef::Pci { address, .. } => state.holder(*address),
            DeviceRef::Mdev { uuid, .. } => state.slice_holder(*uuid),
        };
        let Some(holder) = holder else { return Ok(()) };
        let line = format!("{}: reset of {device:?} while {holder} uses it", state.shape.name);
        state.violations.push(line.clone());
        state.refuse(line)
    }
}

fn prove(state: &mut State, device: &DeviceRef, expected: &ExpectedDevice) -> Result<Proof> {
    FakeDriver::check_released(state, device)?;
    let address = match device {
        DeviceRef::Pci { address, .. } => *address,
        DeviceRef::Mdev { uuid, parent, on_demand, .. } => {
            if *on_demand {
                state.mdevs.remove(uuid);
            }
            *parent
        }
    };
    if let Some(why) = state.doubts.get(&address) {
        return Ok(Proof::Doubt(why.clone()));
    }
    let function = state.shape.functions.iter().find(|function| function.address == address);
    let Some(function) = function else {
        return Ok(Proof::Doubt(format!("{address} is not there any more")));
    };
    if (function.vendor_id, function.device_id) != (expected.vendor_id, expected.device_id) {
        let (vendor, product) = (function.vendor_id, function.device_id);
        return Ok(Proof::Doubt(format!("{address} reads as {vendor:04x}:{product:04x}")));
    }
    state.proven.push(device.clone());
    Ok(Proof::Clean)
}

fn facts(state: &State) -> HostFacts {
    let shape = &state.shape;
    HostFacts {
        identity: shape.identity.clone().unwrap_or_else(|| format!("fake://{}", shape.name)),
        hostname: shape.name.clone(),
        version: "1.0.0".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: shape.cpus,
        mhz: 2450,
        sockets: 2,
        memory: shape.memory,
        domain_type: "kvm".to_owned(),
        iommu: shape.iommu,
        nodes: shape.nodes(),
        pages: shape.pages.clone(),
        firmware: shape.firmware,
    }
}

fn room(state: &State, pool: &str) -> (Bytes, Bytes) {
    let used = state.volumes.values().filter(|volume| volume.volume.pool == pool);
    let used: Bytes = used.map(|volume| volume.capacity).sum();
    (state.shape.pool, state.shape.pool.saturating_sub(used))
}

fn make_volume(state: &mut State, new: &NewVolume) -> Result<()> {
    let VolumeRef { pool, volume } = &new.volume;
    if state.volumes.contains_key(&new.volume) {
        return Ok(());
    }
    if !state.pools.contains_key(pool) {
        return state.refuse(format!("no storage pool {pool}"));
    }
    if let Some((base, _)) = &new.base
        && !state.volumes.contains_key(&VolumeRef { pool: pool.clone(), volume: base.clone() })
    {
        return state.refuse(format!("volume {volume} lacks its base {base} in pool {pool}"));
    }
    if room(state, pool).1 < new.capacity {
        return state.refuse(format!("not enough free space in pool {pool} for volume {volume}"));
    }
    state.volumes.insert(new.volume.clone(), new.clone());
    Ok(())
}

impl HostDriver for FakeDriver {
    fn link(&self) -> Link {
        if self.closed.load(Ordering::SeqCst) {
            return Link::Down("the connection is closed".to_owned());
        }
        self.host.lock().faults.down.clone().map_or(Link::Up, Link::Down)
    }

    fn probe(&self) -> HostFuture<'_, HostFacts> {
        self.call("probe", |state| Ok(facts(state)))
    }

    fn devices(&self) -> HostFuture<'_, SeenDevices> {
        self.call("devices", |state| Ok(state.devices()))
    }

    fn domains(&self) -> HostFuture<'_, Vec<SeenDomain>> {
        self.call("domains", |state| {
            let seen = state.domains.iter().map(|(id, domain)| {
                let spec = domain.running.as_ref().unwrap_or(&domain.spec);
                SeenDomain {
                    uuid: *id,
                    name: spec.name.clone(),
                    active: domain.running.is_some(),
                    pci: pci_of(spec).collect(),
                    mdevs: mdevs_of(spec).collect(),
                }
            });
            Ok(seen.collect())
        })
    }

    fn parts(&self, domain: Uuid) -> HostFuture<'_, SeenParts> {
        self.call("parts", move |state| {
            let Some(found) = state.domains.get(&domain) else { return Ok(SeenParts::default()) };
            let spec = found.running.as_ref().unwrap_or(&found.spec);
            let disk = |(n, disk): (usize, &DiskSpec)| SeenDisk {
                target: format!("vd{}", char::from(b'a' + (n % 26) as u8)),
                kind: "disk".to_owned(),
                source: Some(format!("/{}/{}", disk.volume.pool, disk.volume.volume)),
                format: disk.format.clone(),
                capacity: Some(state.volumes.get(&disk.volume).map_or(1 << 30, |it| it.capacity)),
            };
            let nic = |nic: &NicSpec| {
                let (kind, link) = match &nic.link {
                    NicLink::Network(name) => ("network", name),
                    NicLink::Bridge(name) => ("bridge", name),
                };
                SeenNic { mac: nic.mac.clone(), kind: kind.to_owned(), link: Some(link.clone()) }
            };
            Ok(SeenParts {
                disks: spec.disks.iter().enumerate().map(disk).collect(),
                nics: spec.nics.iter().map(nic).collect(),
                persistent: true,
            })
        })
    }

    fn ensure_pool<'a>(&'a self, pool: &'a NewPool) -> HostFuture<'a, (Bytes, Bytes)> {
        self.call("ensure_pool", |state| {
            state.pools.insert(pool.name.clone(), pool.clone());
            Ok(room(state, &pool.name))
        })
    }

    fn ensure_no_pool<'a>(&'a self, name: &'a str) -> HostFuture<'a, ()> {
        self.call("ensure_no_pool", |state| {
            state.pools.remove(name);
            Ok(())
        })
    }

    fn ensure_uploaded<'a>(&'a self, volume: &'a NewVolume, file: PathBuf) -> HostFuture<'a, ()> {
        self.call("ensure_uploaded", move |state| {
            if !file.is_file() {
                return Err(Error::internal(format!("no file {} to upload", file.display())));
            }
            make_volume(state, volume)
        })
    }

    fn ensure_volume<'a>(&'a self, volume: &'a NewVolume) -> HostFuture<'a, ()> {
        self.call("ensure_volume", |state| make_volume(state, volume))
    }

    fn ensure_no_volume<'a>(&'a self, volume: &'a VolumeRef) -> HostFuture<'a, ()> {
        self.call("ensure_no_volume", |state| {
            let used = state.domains.values().filter_map(|domain| domain.running.as_ref());
            let user = used.into_iter().find(|spec| spec.disks.iter().any(|d| d.volume == *volume));
            if let Some(user) = user.map(|spec| spec.name.clone()) {
                let line =
                    format!("{}: delete of {} while {user} runs", state.shape.name, volume.volume);
                state.violations.push(line.clone());
                return state.refuse(line);
            }
            state.volumes.remove(volume);
            Ok(())
        })
    }

    fn ensure_network<'a>(&'a self, network: &'a NewNetwork) -> HostFuture<'a, ()> {
        self.call("ensure_network", |state| {
            let range = |n: &NewNetwork| (n.gateway, n.prefix);
            let clash = state.networks.values().find(|other| {
                other.name != network.name
                    && (range(other) == range(network) || other.bridge == network.bridge)
            });
            if let Some(name) = clash.map(|other| other.name.clone()) {
                return state.refuse(format!("network {name} already uses that range or bridge"));
            }
            state.networks.insert(network.name.clone(), network.clone());
            Ok(())
        })
    }

    fn ensure_no_network<'a>(&'a self, name: &'a str) -> HostFuture<'a, ()> {
        self.call("ensure_no_network", |state| {
            state.networks.remove(name);
            Ok(())
        })
    }

    fn ensure_slices<'a>(&'a self, devices: &'a [DeviceRef]) -> HostFuture<'a, ()> {
        self.call("ensure_slices", |state| {
            devices.iter().try_for_each(|device| state.make_slice(device))
        })
    }

    fn ensure_defined<'a>(&'a self, machine: &'a MachineSpec) -> HostFuture<'a, ()> {
        self.call("ensure_defined", |state| {
            let names = state.domains.iter().filter(|(_, other)| other.spec.name == machine.name);
            if let Some(id) = names.map(|(id, _)| *id).find(|id| *id != machine.uuid) {
                return state.refuse(format!("domain {} is already {id}", machine.name));
            }
            let running = state.domains.get(&machine.uuid).and_then(|old| old.running.clone());
            state.domains.insert(machine.uuid, FakeDomain { spec: machine.clone(), running });
            Ok(())
        })
    }

    fn ensure_running(&self, domain: Uuid) -> HostFuture<'_, ()> {
        self.call("ensure_running", move |state| self.start(state, domain))
    }

    fn reboot(&self, domain: Uuid) -> HostFuture<'_, ()> {
        self.call("reboot", move |state| match state.domains.get(&domain) {
            Some(found) if found.running.is_some() => Ok(()),
            _ => state.refuse(format!("domain {domain} is not running")),
        })
    }

    fn ensure_stopped(&self, domain: Uuid, _how: Stop) -> HostFuture<'_, ()> {
        self.call("ensure_stopped", move |state| {
            self.stop(state, domain);
            Ok(())
        })
    }

    fn ensure_undefined(&self, domain: Uuid) -> HostFuture<'_, ()> {
        self.call("ensure_undefined", move |state| {
            self.stop(state, domain);
            state.domains.remove(&domain);
            Ok(())
        })
    }

    fn prove_clean<'a>(
        &'a self,
        device: &'a DeviceRef,
        expected: &'a ExpectedDevice,
    ) -> HostFuture<'a, Proof> {
        self.call("prove_clean", |state| prove(state, device, expected))
    }

    fn events(&self) -> UnboundedReceiver<HostEvent> {
        let (sender, receiver) = unbounded_channel();
        self.host.lock().listeners.push(sender);
        receiver
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}
