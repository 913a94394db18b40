//! What an instance asks, and what a host that may be asked is like.

use super::{
    Choice, Exact, HostDevice, Load, Mix, Narrow, NodeRoom, NumaPolicy, Packing, Policy, bind,
};
use crate::domain::{
    Id,
    gpu::{Fabric, Pick, claim::Room},
    id,
    machine::{Bytes, Firmware},
};
use std::collections::{BTreeMap, BTreeSet};

/// A host that may be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The host.
    pub host: Id<id::Host>,
    /// What it is, whoever asks.
    pub class: Class,
    /// Logical CPUs.
    pub cores: u32,
    /// CPU capacity that is not promised, in MHz, over-provisioning included.
    pub free_mhz: u64,
    /// Memory that is not promised, over-provisioning included.
    pub free_memory: Bytes,
    /// Its NUMA nodes, as far as it tells how large they are.
    pub nodes: Vec<NodeRoom>,
    /// How many huge pages it has of each size, used or not; `None`: it does not tell.
    pub pages: Option<BTreeMap<Bytes, u64>>,
    /// Storage pools that it reaches, the preferred first.
    pub pools: Vec<PoolRoom>,
    /// All its devices.
    pub devices: Vec<HostDevice>,
    /// What its GPUs can be cut into.
    pub rooms: Vec<Room>,
    /// Which of its GPUs may be used together.
    pub fabric: Fabric,
    /// MiB of memory of a device, by the profiles that it has or can make.
    pub gpu_memory: BTreeMap<Id<id::VgpuProfile>, i64>,
}

/// What many hosts have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class {
    /// Why it takes nobody, in a few words that are equal on equal cases: `disabled`, `in maintenance`, `unreachable`.
    pub blocker: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The kind of host.
    pub hypervisor: String,
    /// Its architecture.
    pub arch: String,
    /// Its pod.
    pub pod: Option<Id<id::Pod>>,
    /// Its cluster.
    pub cluster: Option<Id<id::Cluster>>,
    /// The most that a guest can boot by there; `None`: not told yet, so that only the start shows it.
    pub firmware: Option<Firmware>,
}

/// A storage pool of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRoom {
    /// The pool.
    pub id: Id<id::StoragePool>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What is free; `None`: not measured.
    pub free: Option<Bytes>,
}

/// What an instance asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What a host must be.
    pub needs: Needs,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// MHz of each.
    pub mhz: u32,
    /// Memory.
    pub memory: Bytes,
    /// Acceptable GPUs, the preferred first; empty: none are asked.
    pub alternatives: Vec<Alternative>,
    /// Exactly these GPUs, whatever they are; then there are no alternatives.
    pub exact: Vec<Exact>,
    /// About NUMA nodes.
    pub numa: NumaPolicy,
    /// The NUMA nodes of devices that it holds already, when none are asked.
    pub kept: Vec<u32>,
    /// Close together or far apart.
    pub packing: Packing,
    /// The host that an administrator asked for.
    pub host: Option<Id<id::Host>>,
    /// Hosts that were tried in vain.
    pub avoid: Vec<Id<id::Host>>,
    /// Where the others of its affinity groups are.
    pub affinity: Affinity,
}

/// What a host must be, apart from having room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The kind of host; `None`: any.
    pub hypervisor: Option<String>,
    /// The architecture; `None`: any.
    pub arch: Option<String>,
    /// Only in this pod.
    pub pod: Option<Id<id::Pod>>,
    /// Only in this cluster.
    pub cluster: Option<Id<id::Cluster>>,
    /// Tags that it must have.
    pub tags: Vec<String>,
    /// What the instance boots by.
    pub firmware: Firmware,
    /// The size of the huge pages that its memory is made of; `None`: no matter.
    pub pages: Option<Bytes>,
    /// Where a disk must fit; `None`: no disk is asked.
    pub disk: Option<Disk>,
}

/// A disk to be placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// The pool where it lies already.
    pub pool: Option<Id<id::StoragePool>>,
    /// Tags that the pool must have.
    pub tags: Vec<String>,
    /// What must be free in the pool.
    pub space: Bytes,
}

/// Where the others of an instance's affinity groups are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affinity {
    /// Only these hosts; `None`: no matter.
    pub only: Option<BTreeSet<Id<id::Host>>>,
    /// None of these.
    pub never: BTreeSet<Id<id::Host>>,
    /// These, if it can be.
    pub rather: BTreeSet<Id<id::Host>>,
    /// Others, if it can be.
    pub rather_not: BTreeSet<Id<id::Host>>,
}

/// So many devices of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The profile.
    pub profile: Id<id::VgpuProfile>,
    /// Card and profile in words, for refusals: `NVIDIA A100 passthrough`.
    pub name: String,
    /// How many.
    pub count: u32,
}

impl Demand {
    /// What it says about where devices may be.
    pub const fn policy(&self, mix: Mix) -> Policy {
        Policy { numa: self.numa, packing: self.packing, mix }
    }

    /// What speaks against a host by itself, whatever it has.
    pub(super) fn host_why_not(&self, host: Id<id::Host>) -> Option<&'static str> {
        if self.host.is_some_and(|asked| asked != host) {
            Some("not the host that was asked for")
        } else if self.affinity.only.as_ref().is_some_and(|only| !only.contains(&host)) {
            Some("without the instances of its affinity group")
        } else if self.affinity.never.contains(&host) {
            Some("with instances of its anti-affinity group")
        } else if self.avoid.contains(&host) {
            Some("tried in vain")
        } else {
            None
        }
    }

    /// What speaks against a host's CPUs, memory and pools.
    pub(super) fn room_why_not(&self, candidate: &Candidate) -> Option<&'static str> {
        if self.vcpus > candidate.cores {
            Some("too few CPUs")
        } else if u64::from(self.vcpus) * u64::from(self.mhz) > candidate.free_mhz {
            Some("too little CPU free")
        } else if self.memory > candidate.free_memory {
            Some("too little memory free")
        } else if let Some(why) = self.pages_why_not(candidate) {
            Some(why)
        } else if self.is_too_large_for_its_node(candidate) {
            Some("too few CPUs or too little memory free on the NUMA node of its GPUs")
        } else {
            let disk = self.needs.disk.as_ref()?;
            let none = || match disk.pool {
                Some(_) => "without the pool where the instance's disk lies",
                None => "without a storage pool that has room",
            };
            disk.pool(candidate).is_none().then(none)
        }
    }

    /// The most memory that it could have there: whole pages, where it asks for huge ones.
    pub(super) fn most_memory(&self, candidate: &Candidate) -> Bytes {
        let Some(size) = self.needs.pages else { return candidate.free_memory };
        let pages = candidate.pages.as_ref().map(|all| all.get(&size).copied().unwrap_or_default());
        pages.unwrap_or(u64::MAX).min(candidate.free_memory / size).saturating_mul(size)
    }

    /// Whether a host has so many huge pages at all; whether they are free, its start shows.
    fn pages_why_not(&self, candidate: &Candidate) -> Option<&'static str> {
        let (size, has) = (self.needs.pages?, candidate.pages.as_ref()?);
        let is_enough = has.get(&size).is_some_and(|count| count * size >= self.memory);
        (!is_enough).then_some(match size {
            0x4000_0000 => "too few huge pages of 1G",
            0x20_0000 => "too few huge pages of 2M",
            _ => "too few huge pages",
        })
    }

    /// Whether the devices that it holds are on a node where it must be and has no room.
    fn is_too_large_for_its_node(&self, candidate: &Candidate) -> bool {
        let narrow = || Narrow::of(self.load(), self.numa, &candidate.nodes);
        self.numa == NumaPolicy::Required && self.kept.iter().any(|node| narrow().parts(*node) > 1)
    }

    /// What an instance that is placed so takes of which NUMA nodes; `None`: it is anywhere.
    pub fn bound(&self, choice: &Choice) -> Option<(Load, Vec<u32>)> {
        let nodes = if self.kept.is_empty() { &choice.numa_nodes } else { &self.kept };
        (self.numa != NumaPolicy::Ignored).then(|| (self.load(), nodes.clone()))
    }

    /// Before anything else is compared: 0 where it would rather be, 2 where it would rather not.
    pub fn wish(&self, host: Id<id::Host>) -> u8 {
        if self.affinity.rather_not.contains(&host) {
            2
        } else {
            u8::from(!self.affinity.rather.contains(&host))
        }
    }
}

impl Candidate {
    /// An instance is bound to these of its nodes now; `None`: it is anywhere.
    pub fn bind(&mut self, bound: &Option<(Load, Vec<u32>)>) {
        if let Some((load, nodes)) = bound {
            bind(&mut self.nodes, *load, nodes);
        }
    }

    /// These devices are held now. False when that is not all: slices that were to be made are not devices yet.
    pub fn hold(&mut self, picks: &[Pick]) -> bool {
        for device in &mut self.devices {
            device.standing.is_held |= picks.contains(&Pick::Device(device.standing.id));
        }
        picks.iter().all(|pick| matches!(pick, Pick::Device(_)))
    }
}

impl Disk {
    /// The pool of a host where the disk lies or fits.
    pub fn pool(&self, candidate: &Candidate) -> Option<Id<id::StoragePool>> {
        let has_room = |pool: &&PoolRoom| match self.pool {
            Some(wanted) => pool.id == wanted,
            None => {
                self.tags.iter().all(|tag| pool.tags.contains(tag))
                    && pool.free.is_none_or(|free| free >= self.space)
            }
        };
        candidate.pools.iter().find(has_room).map(|pool| pool.id)
    }
}

impl Class {
    /// What speaks against all hosts like this.
    pub(super) fn why_not(&self, needs: &Needs) -> Option<String> {
        if let Some(blocker) = &self.blocker {
            return Some(blocker.clone());
        }
        let wrong_kind =
            |kind: &&String| !kind.is_empty() && !kind.eq_ignore_ascii_case(&self.hypervisor);
        if let Some(kind) = needs.hypervisor.as_ref().filter(wrong_kind) {
            return Some(format!("not of the template's kind {kind}"));
        }
        if let Some(arch) = needs.arch.as_ref().filter(|arch| **arch != self.arch) {
            return Some(format!("not of the template's architecture {arch}"));
        }
        if needs.pod.is_some() && needs.pod != self.pod {
            return Some("in another pod".to_owned());
        }
        if needs.cluster.is_some() && needs.cluster != self.cluster {
            return Some("in another cluster".to_owned());
        }
        if self.firmware.is_some_and(|most| most < needs.firmware) {
            let has_uefi = self.firmware >= Some(Firmware::Uefi);
            return Some(if has_uefi { "without secure boot" } else { "without UEFI" }.to_owned());
        }
        let missing: Vec<&str> =
            needs.tags.iter().filter(|t| !self.tags.contains(t)).map(String::as_str).collect();
        (!missing.is_empty()).then(|| format!("without the tag {}", missing.join(", ")))
    }
}
