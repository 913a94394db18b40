//! What a fake host remembers, and the rules it holds its callers to.

use super::{
    faults::Faults,
    shape::{FakeShape, SliceType},
};
use crate::{
    domain::{
        gpu::{
            PciAddress,
            layout::{self, Cut},
        },
        machine::*,
    },
    error::{Error, Result},
    hypervisor::HostEvent,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

/// A domain of a fake host.
#[derive(Debug, Clone)]
pub struct FakeDomain {
    /// As it was last defined.
    pub spec: MachineSpec,
    /// As it runs: a later definition does not change it.
    pub running: Option<MachineSpec>,
}

/// A domain that ran, with what it had in its hands meanwhile.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The domain.
    pub domain: Uuid,
    /// Its GPUs and slices.
    pub devices: Vec<DeviceRef>,
    /// When it was started.
    pub from: DateTime<Utc>,
    /// When it ended; none while it runs.
    pub until: Option<DateTime<Utc>>,
}

/// Everything on one fake host.
#[derive(Debug)]
pub(super) struct State {
    pub(super) shape: FakeShape,
    pub(super) pools: BTreeMap<String, NewPool>,
    pub(super) volumes: HashMap<VolumeRef, NewVolume>,
    pub(super) networks: BTreeMap<String, NewNetwork>,
    pub(super) mdevs: BTreeMap<Uuid, SeenMdev>,
    pub(super) domains: BTreeMap<Uuid, FakeDomain>,
    pub(super) faults: Faults,
    pub(super) doubts: HashMap<PciAddress, String>,
    pub(super) proven: Vec<DeviceRef>,
    pub(super) calls: Vec<&'static str>,
    pub(super) violations: Vec<String>,
    pub(super) listeners: Vec<UnboundedSender<HostEvent>>,
    pub(super) diary: Vec<Ran>,
}

impl State {
    pub(super) fn new(shape: FakeShape) -> Self {
        let mut shape = shape.build();
        let mdevs = std::mem::take(&mut shape.mdevs);
        Self {
            shape,
            pools: BTreeMap::new(),
            volumes: HashMap::new(),
            networks: BTreeMap::new(),
            mdevs: mdevs.into_iter().map(|mdev| (mdev.uuid, mdev)).collect(),
            domains: BTreeMap::new(),
            faults: Faults::default(),
            doubts: HashMap::new(),
            proven: Vec::new(),
            calls: Vec::new(),
            violations: Vec::new(),
            listeners: Vec::new(),
            diary: Vec::new(),
        }
    }

    /// Tells every listener; those that hung up are forgotten.
    pub(super) fn tell(&mut self, event: &HostEvent) {
        self.listeners.retain(|listener| listener.send(event.clone()).is_ok());
    }

    pub(super) fn refuse<T>(&self, why: String) -> Result<T> {
        Err(Error::Unavailable(format!("host {} refused: {why}", self.shape.name)))
    }

    /// Writes down that a domain runs from now on.
    pub(super) fn ran_from(&mut self, domain: Uuid, devices: Vec<DeviceRef>) {
        self.diary.push(Ran { domain, devices, from: Utc::now(), until: None });
    }

    /// Writes down that a domain ran until now.
    pub(super) fn ran_until(&mut self, domain: Uuid) {
        let open = self.diary.iter_mut().rev().find(|ran| ran.domain == domain);
        if let Some(ran) = open {
            ran.until.get_or_insert_with(Utc::now);
        }
    }

    /// The functions with what depends on the moment: driver and slices left.
    pub(super) fn devices(&self) -> SeenDevices {
        let functions = self.shape.functions.iter().cloned().map(|mut function| {
            if self.holder(function.address).is_some() {
                function.driver = Some("vfio-pci".to_owned());
            }
            if matches!(function.class, 0x0300 | 0x0302 | 0x0380 | 0x1200) {
                function.mdev_types = self.mdev_types(function.address);
            }
            function
        });
        SeenDevices {
            functions: functions.collect(),
            mdevs: self.mdevs.values().cloned().collect(),
            can_create_mdevs: !self.shape.slices.is_empty(),
        }
    }

    fn mdev_types(&self, parent: PciAddress) -> Vec<MdevType> {
        let used: Vec<&str> = self
            .mdevs
            .values()
            .filter(|mdev| mdev.parent == parent)
            .map(|mdev| mdev.type_id.as_str())
            .collect();
        let is_whole = self.holder(parent).is_some();
        let of_id = |id: &&str| self.shape.slices.iter().find(|slice| slice.id == *id);
        let cuts: Option<Vec<Cut>> =
            used.iter().map(|id| Some(Cut { profile: of_id(id)?.mig?, start: None })).collect();
        let left = |slice: &SliceType| match (slice.mig, &cuts) {
            _ if is_whole => 0,
            (Some(mig), Some(cuts)) => layout::room(cuts, mig),
            (None, _) if used.iter().all(|other| *other == slice.id) => {
                slice.most.saturating_sub(used.len() as u32)
            }
            _ => 0,
        };
        let slices = self.shape.slices.iter();
        slices
            .map(|slice| MdevType {
                id: slice.id.clone(),
                name: slice.name.clone(),
                available: left(slice),
            })
            .collect()
    }

    /// The running domain that has this function.
    pub(super) fn holder(&self, address: PciAddress) -> Option<Uuid> {
        self.running().find(|(_, spec)| pci_of(spec).any(|held| held == address)).map(|(id, _)| id)
    }

    /// The running domain that has this mediated device.
    pub(super) fn slice_holder(&self, mdev: Uuid) -> Option<Uuid> {
        self.running().find(|(_, spec)| mdevs_of(spec).any(|held| held == mdev)).map(|(id, _)| id)
    }

    fn running(&self) -> impl Iterator<Item = (Uuid, &MachineSpec)> {
        self.domains.iter().filter_map(|(id, domain)| Some((*id, domain.running.as_ref()?)))
    }

    /// Makes one mediated device, if its type has room.
    pub(super) fn make_slice(&mut self, device: &DeviceRef) -> Result<()> {
        let DeviceRef::Mdev { uuid, parent, mdev_type, on_demand } = device else { return Ok(()) };
        if self.mdevs.contains_key(uuid) {
            return Ok(());
        }
        if !on_demand {
            return self.refuse(format!("mediated device {uuid} does not exist"));
        }
        let types = self.mdev_types(*parent);
        match types.iter().find(|kind| kind.id == *mdev_type) {
            None => return self.refuse(format!("{parent} has no mdev type {mdev_type}")),
            Some(kind) if kind.available == 0 => {
                return self.refuse(format!("no instance of {mdev_type} is left on {parent}"));
            }
            Some(_) => {}
        }
        let mdev = SeenMdev {
            uuid: *uuid,
            parent: *parent,
            type_id: mdev_type.clone(),
            iommu_group: Some(1000 + self.mdevs.len() as u32),
        };
        self.mdevs.insert(*uuid, mdev);
        Ok(())
    }

    /// Why the domain cannot be started, as a host would say it. What only wrong books can ask for is also a violation.
    pub(super) fn check_start(&mut self, id: Uuid, spec: &MachineSpec) -> Result<()> {
        for volume in spec.disks.iter().map(|disk| &disk.volume).chain(&spec.seed) {
            if !self.volumes.contains_key(volume) {
                return self.refuse(format!("no volume {} in pool {}", volume.volume, volume.pool));
            }
        }
        for nic in &spec.nics {
            if let NicLink::Network(name) = &nic.link
                && !self.networks.contains_key(name)
            {
                return self.refuse(format!("network {name} not found"));
            }
        }
        for address in pci_of(spec) {
            if !self.shape.functions.iter().any(|function| function.address == address) {
                return self.refuse(format!("device {address} not found"));
            }
        }
        if let Some(why) = self.group_is_not_viable(spec) {
            return self.refuse(why);
        }
        for mdev in mdevs_of(spec) {
            if !self.mdevs.contains_key(&mdev) {
                return self.refuse(format!("mediated device {mdev} not found"));
            }
        }
        match self.stolen(id, spec) {
            None => Ok(()),
            Some(what) => {
                let line = format!("{}: {}: {what}", self.shape.name, spec.name);
                tracing::error!("owner violation: {line}");
                self.violations.push(line.clone());
                self.refuse(line)
            }
        }
    }

    /// A function of a group can be given only when no other of the group is bound to a driver of the host.
    fn group_is_not_viable(&self, spec: &MachineSpec) -> Option<String> {
        let taken: Vec<PciAddress> = pci_of(spec).collect();
        let groups: Vec<u32> = taken.iter().filter_map(|address| self.group(*address)).collect();
        let others = self.shape.functions.iter().filter(|function| {
            function.iommu_group.is_some_and(|group| groups.contains(&group))
                && !taken.contains(&function.address)
                && self.holder(function.address).is_none()
        });
        let bound = |driver: &str| !matches!(driver, "vfio-pci" | "pcieport");
        let in_the_way = others
            .filter(|function| function.driver.as_deref().is_some_and(bound))
            .map(|function| function.address.to_string())
            .next()?;
        Some(format!("IOMMU group is not viable: {in_the_way} is bound to a driver of the host"))
    }

    /// What of this domain another running domain has.
    fn stolen(&self, id: Uuid, spec: &MachineSpec) -> Option<String> {
        let others: Vec<(Uuid, &MachineSpec)> =
            self.running().filter(|(other, _)| *other != id).collect();
        for (other, theirs) in others {
            let groups: Vec<u32> = pci_of(theirs).filter_map(|held| self.group(held)).collect();
            for address in pci_of(spec) {
                if pci_of(theirs).any(|held| held == address) {
                    return Some(format!("PCI device {address} is in use by domain {other}"));
                }
                if self.group(address).is_some_and(|group| groups.contains(&group)) {
                    return Some(format!("{address} shares its IOMMU group with domain {other}"));
                }
                if parents_of(theirs).any(|parent| parent == address) {
                    return Some(format!("slices of {address} are in use by domain {other}"));
                }
            }
            if let Some(parent) = parents_of(spec).find(|p| pci_of(theirs).any(|held| held == *p)) {
                return Some(format!("{parent} is whole in use by domain {other}"));
            }
            if let Some(mdev) = mdevs_of(spec).find(|m| mdevs_of(theirs).any(|held| held == *m)) {
                return Some(format!("mediated device {mdev} is in use by domain {other}"));
            }
            let disk = spec.disks.iter().find(|disk| theirs.disks.contains(disk));
            if let Some(disk) = disk {
                return Some(format!("disk {} is in use by domain {other}", disk.volume.volume));
            }
        }
        None
    }

    fn group(&self, address: PciAddress) -> Option<u32> {
        let function = self.shape.functions.iter().find(|function| function.address == address);
        function.and_then(|function| function.iommu_group)
    }
}

/// The PCI functions of a machine, companions included.
pub(super) fn pci_of(spec: &MachineSpec) -> impl Iterator<Item = PciAddress> {
    let functions = spec.devices.iter().filter_map(|device| match device {
        DeviceRef::Pci { address, companions } => {
            Some(std::iter::once(*address).chain(companions.iter().copied()))
        }
        DeviceRef::Mdev { .. } => None,
    });
    functions.flatten()
}

/// The mediated devices of a machine.
pub(super) fn mdevs_of(spec: &MachineSpec) -> impl Iterator<Item = Uuid> {
    spec.devices.iter().filter_map(|device| match device {
        DeviceRef::Mdev { uuid, .. } => Some(*uuid),
        DeviceRef::Pci { .. } => None,
    })
}

fn parents_of(spec: &MachineSpec) -> impl Iterator<Item = PciAddress> {
    spec.devices.iter().filter_map(|device| match device {
        DeviceRef::Mdev { parent, .. } => Some(*parent),
        DeviceRef::Pci { .. } => None,
    })
}
