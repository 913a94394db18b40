//! The machine a host is asked to run.

use super::{Bytes, shape::HugePages};
use crate::domain::{gpu::PciAddress, placement::NumaPolicy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One virtual machine, whole: enough to define it on any host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSpec {
    /// The domain's UUID: the instance's id.
    pub uuid: Uuid,
    /// The domain's name on the host: `i-2-33-VM`. Never user text.
    pub name: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory.
    pub memory: Bytes,
    /// Disks in order, the root disk first.
    pub disks: Vec<DiskSpec>,
    /// The cloud-init seed disk, if any.
    pub seed: Option<VolumeRef>,
    /// Network interfaces in order.
    pub nics: Vec<NicSpec>,
    /// GPU devices in order.
    pub devices: Vec<DeviceRef>,
    /// Whether the first device also shows a display.
    pub display: bool,
    /// Whether CPUs and memory keep to the NUMA nodes of the devices.
    pub numa: NumaPolicy,
    /// The NUMA node of each device, in order; missing or `None`: unknown.
    pub device_nodes: Vec<Option<u32>>,
    /// What it boots by.
    #[serde(default)]
    pub firmware: Firmware,
    /// The pages its memory is made of; `None`: the host's small ones.
    pub hugepages: Option<HugePages>,
    /// Elements that are added to its definition, as somebody who may wrote them.
    pub extra: Option<String>,
    /// What the instance says of itself, where a hook wants to know.
    pub details: BTreeMap<String, String>,
}

impl Default for MachineSpec {
    /// A machine of nothing.
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            name: String::new(),
            vcpus: 1,
            memory: 0,
            disks: Vec::new(),
            seed: None,
            nics: Vec::new(),
            devices: Vec::new(),
            display: false,
            numa: NumaPolicy::Ignored,
            device_nodes: Vec::new(),
            firmware: Firmware::Bios,
            hugepages: None,
            extra: None,
            details: BTreeMap::new(),
        }
    }
}

text_enum! {
    /// What a machine boots by. A host that offers one of them offers those before it.
    #[derive(Default)]
    Firmware {
        /// The BIOS of old.
        #[default]
        Bios,
        /// UEFI, which starts whatever there is.
        Uefi,
        /// UEFI, which starts only what is signed.
        SecureUefi,
    }
}

impl Firmware {
    /// The detail of an instance that boots by UEFI; its value is the mode, `LEGACY` or `SECURE`.
    pub const DETAIL: &str = "UEFI";

    /// What an instance boots by that has this value of the detail.
    pub fn read(detail: Option<&str>) -> Self {
        match detail {
            None => Self::Bios,
            Some(mode) if mode.eq_ignore_ascii_case("SECURE") => Self::SecureUefi,
            Some(_) => Self::Uefi,
        }
    }

    /// Type and mode in the words of an answer.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Bios => ("Bios", "legacy"),
            Self::Uefi => ("Uefi", "legacy"),
            Self::SecureUefi => ("Uefi", "secure"),
        }
    }
}

/// A volume in a pool of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VolumeRef {
    /// The libvirt pool's name.
    pub pool: String,
    /// The volume's name in the pool.
    pub volume: String,
}

/// A disk of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// Where it lies.
    pub volume: VolumeRef,
    /// Its format: `qcow2` or `raw`.
    pub format: String,
}

/// A network interface of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicSpec {
    /// MAC address, `52:54:00:..`.
    pub mac: String,
    /// What it is plugged into.
    pub link: NicLink,
}

/// What an interface is plugged into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NicLink {
    /// A libvirt network by name.
    Network(String),
    /// An existing bridge of the host by name.
    Bridge(String),
}

/// A device that a machine gets from its host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeviceRef {
    /// A PCI function with all other functions of its IOMMU group that must travel with it.
    Pci {
        /// The GPU function itself.
        address: PciAddress,
        /// Its companions (audio, USB): attached too.
        companions: Vec<PciAddress>,
    },
    /// A mediated device.
    Mdev {
        /// The mediated device's UUID.
        uuid: Uuid,
        /// The function that carries it.
        parent: PciAddress,
        /// The type's id on the host: `nvidia-222`.
        mdev_type: String,
        /// Whether we create it at start and remove it after release.
        on_demand: bool,
    },
}

/// A disk volume to be there: empty, or an overlay of a base volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVolume {
    /// Where.
    pub volume: VolumeRef,
    /// `qcow2` or `raw`.
    pub format: String,
    /// Its virtual size.
    pub capacity: Bytes,
    /// The volume it is an overlay of (same pool), with that volume's format.
    pub base: Option<(String, String)>,
}

/// A pool to be there: a directory of the host, or an NFS export mounted on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPool {
    /// The libvirt pool's name.
    pub name: String,
    /// Its directory on the host.
    pub path: String,
    /// The NFS export to mount there: (server, exported path); `None`: the directory itself.
    pub nfs: Option<(String, String)>,
}

/// A NAT network of a host with fixed addresses for its interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNetwork {
    /// The libvirt network's name, at most 15 characters of it name the bridge.
    pub name: String,
    /// The bridge's name, at most 15 characters.
    pub bridge: String,
    /// The gateway's address.
    pub gateway: std::net::Ipv4Addr,
    /// Prefix length.
    pub prefix: u8,
    /// Static entries: (MAC, address, host name).
    pub leases: Vec<(String, std::net::Ipv4Addr, String)>,
}
