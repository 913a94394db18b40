//! What a host answers: its size, its devices and what runs on it.

use super::{Bytes, Firmware};
use crate::domain::gpu::PciAddress;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A host as its hypervisor describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// The hardware's identity: the same machine under two names has one.
    pub identity: String,
    /// Host name.
    pub hostname: String,
    /// Hypervisor version: `7.2.0`.
    pub version: String,
    /// CPU architecture: `x86_64`.
    pub arch: String,
    /// Logical CPUs.
    pub cpus: u32,
    /// CPU speed in MHz.
    pub mhz: u32,
    /// CPU sockets.
    pub sockets: u32,
    /// Memory.
    pub memory: Bytes,
    /// What domains must be: `kvm`, or `qemu` where nothing accelerates, `test` on the test driver.
    pub domain_type: String,
    /// Whether the host translates device addresses (IOMMU on).
    pub iommu: bool,
    /// Its NUMA nodes, as far as it tells them.
    pub nodes: Vec<NodeSize>,
    /// The most that a guest can boot by.
    pub firmware: Firmware,
    /// How many huge pages it has of each size, used or not; `None`: it does not tell.
    pub pages: Option<BTreeMap<Bytes, u64>>,
}

/// How large a NUMA node of a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSize {
    /// Its number.
    pub node: u32,
    /// Its logical CPUs.
    pub cpus: u32,
    /// Its memory; 0: not told.
    pub memory: Bytes,
}

/// What a host tells that only placement asks; kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its NUMA nodes.
    pub nodes: Vec<NodeSize>,
    /// The most that a guest can boot by; `None`: not told.
    pub firmware: Option<Firmware>,
    /// How many huge pages it has of each size, used or not; `None`: not told.
    #[serde(default)]
    pub pages: Option<BTreeMap<Bytes, u64>>,
}

impl Told {
    /// What was kept; nothing, when nothing was.
    pub fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// To be kept.
    pub fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// A mediated device type that a function offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MdevType {
    /// Its id: `nvidia-222`.
    pub id: String,
    /// Its name: `GRID T4-2Q`.
    pub name: String,
    /// How many more can be created now.
    pub available: u32,
}

/// A PCI function or mediated device that may be a GPU, as the host shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFunction {
    /// Where it is.
    pub address: PciAddress,
    /// PCI class with subclass: `0x0302`.
    pub class: u16,
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// Vendor name, as libvirt read it.
    pub vendor: String,
    /// Product name, as libvirt read it.
    pub product: String,
    /// The bound driver, if any.
    pub driver: Option<String>,
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<u32>,
    /// The IOMMU group's number.
    pub iommu_group: Option<u32>,
    /// All functions of the group, this one included.
    pub group_members: Vec<PciAddress>,
    /// The chain of parents up to the root port, nearest first.
    pub parents: Vec<PciAddress>,
    /// The physical function, when this is a virtual one.
    pub physical: Option<PciAddress>,
    /// The virtual functions, when this is a physical one.
    pub virtual_functions: Vec<PciAddress>,
    /// The most virtual functions it can have; 0: no SR-IOV.
    pub max_virtual_functions: u32,
    /// Types of mediated devices it offers.
    pub mdev_types: Vec<MdevType>,
    /// PCIe link: (capable GT/s x10, width), (actual GT/s x10, width).
    pub link: Option<((u32, u32), (u32, u32))>,
}

/// A mediated device that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenMdev {
    /// Its UUID.
    pub uuid: Uuid,
    /// The function that carries it.
    pub parent: PciAddress,
    /// Its type's id.
    pub type_id: String,
    /// Its IOMMU group.
    pub iommu_group: Option<u32>,
}

/// Every device of a host that matters here. A failed probe is an error, never an empty value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenDevices {
    /// All PCI functions (GPUs and others: groups need them all).
    pub functions: Vec<SeenFunction>,
    /// All mediated devices.
    pub mdevs: Vec<SeenMdev>,
    /// Whether mediated devices can be created here.
    pub can_create_mdevs: bool,
}

/// A domain that exists on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDomain {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it runs (or is paused: it holds its devices).
    pub active: bool,
    /// The PCI functions its XML names.
    pub pci: Vec<PciAddress>,
    /// The mediated devices its XML names.
    pub mdevs: Vec<Uuid>,
}

/// What a domain has besides devices, as its definition names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenParts {
    /// Its disks in order.
    pub disks: Vec<SeenDisk>,
    /// Its network interfaces in order.
    pub nics: Vec<SeenNic>,
    /// Whether its definition outlives a stop.
    pub persistent: bool,
}

/// A disk of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDisk {
    /// Its name in the guest: `vda`.
    pub target: String,
    /// `disk`, `cdrom`, `floppy`, `lun`.
    pub kind: String,
    /// Its path, its name in a pool, or its address; none: an empty drive.
    pub source: Option<String>,
    /// `qcow2`, `raw` and the like.
    pub format: String,
    /// Its virtual size, where the host tells it.
    pub capacity: Option<Bytes>,
}

/// A network interface of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNic {
    /// Its MAC address.
    pub mac: String,
    /// `bridge`, `network`, `user` and the like.
    pub kind: String,
    /// The bridge of the host or the libvirt network it is plugged into.
    pub link: Option<String>,
}

/// Whether a released device was proven clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// Reset, read back live, driver as expected.
    Clean,
    /// Any doubt, in one sentence.
    Doubt(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_told_is_read_as_it_was_written() {
        let nodes = vec![NodeSize { node: 2, cpus: 16, memory: 1 << 38 }];
        let pages = Some(BTreeMap::from([(1 << 30, 16)]));
        let told = Told { nodes: nodes.clone(), firmware: Some(Firmware::Uefi), pages };
        assert_eq!(Told::read(told.text().as_deref()), told);
        let before = r#"{"nodes":[{"node":2,"cpus":16,"memory":274877906944}],"firmware":"Uefi"}"#;
        assert_eq!(Told::read(Some(before)), Told { nodes, pages: None, ..told });
        assert_eq!((Told::read(None), Told::read(Some("?"))), Default::default());
    }
}
