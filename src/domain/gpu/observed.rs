//! What one probe of a host found out about its GPUs: facts, before anybody compares them with the books.

use super::{DeviceType, PciAddress, ProfileKind, readiness::Assessment};

/// All that a probe says about GPUs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// What can be assigned, and physical GPUs that are consumed through slices; parents come before their children.
    pub devices: Vec<Observed>,
    /// What looks like a GPU and is none of ours, with the reason.
    pub skipped: Vec<Skipped>,
    /// Whether the probe is whole enough to be compared with: a machine without one PCI function does not exist.
    pub is_plausible: bool,
}

/// One assignable thing, or a physical GPU, as a host shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The bus address: `0000:3b:00.0`, or a mediated device's UUID.
    pub address: String,
    /// How it is attached.
    pub device_type: DeviceType,
    /// The PCI function itself; for a mediated device the one that carries it.
    pub function: PciAddress,
    /// The bus address of the physical GPU it is a part of.
    pub parent: Option<String>,
    /// The hardware model: of the physical GPU, also for its parts.
    pub card: CardFacts,
    /// How it consumes the card.
    pub profile: ProfileFacts,
    /// A mediated device's type id on this host: `nvidia-222`.
    pub mdev_type: Option<String>,
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<u32>,
    /// The root port above it; `None`: unknown.
    pub pci_root: Option<PciAddress>,
    /// The PCIe switch above it (its upstream port); `None`: none or unknown.
    pub pci_switch: Option<PciAddress>,
    /// IOMMU group.
    pub iommu_group: Option<u32>,
    /// Functions of the group that are no GPUs and must travel with it: its audio, its USB.
    pub companions: Vec<PciAddress>,
    /// Other GPUs of the group: they have one owner together with this one.
    pub peers: Vec<PciAddress>,
    /// The bound driver.
    pub driver: Option<String>,
    /// The PCIe link, if the host told.
    pub link: Option<LinkFacts>,
    /// Slices that can be made on it.
    pub slices: Vec<SliceType>,
    /// Whether it can be given away as it is, and what is not as it should be.
    pub assessment: Assessment,
}

/// A hardware model as discovery knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFacts {
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// `NVIDIA`, or what libvirt read.
    pub vendor_name: String,
    /// `A100 SXM4 80GB`, or what libvirt read.
    pub device_name: String,
    /// Memory of one GPU in MiB; `None`: unknown until an admin sets it.
    pub memory_mib: Option<u64>,
    /// The table of MIG profiles that it follows.
    pub mig_family: Option<&'static str>,
}

impl CardFacts {
    /// The card's display name, as CloudStack builds it: vendor, space, device.
    pub fn name(&self) -> String {
        format!("{} {}", self.vendor_name, self.device_name)
    }
    /// The vendor id as the wire writes it: four hex digits.
    pub fn vendor_hex(&self) -> String {
        format!("{:04x}", self.vendor_id)
    }
    /// The device id as the wire writes it: four hex digits.
    pub fn device_hex(&self) -> String {
        format!("{:04x}", self.device_id)
    }
}

/// A way to consume a card, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFacts {
    /// `passthrough`, or the type's own name. Never decides anything.
    pub name: String,
    /// What decides instead of the name.
    pub kind: ProfileKind,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// Displays.
    pub max_heads: Option<u32>,
    /// Largest display: width, height.
    pub max_resolution: Option<(u32, u32)>,
    /// The most of it on one physical GPU.
    pub max_per_gpu: Option<u32>,
}

/// A type of slice that one function of a physical GPU can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceType {
    /// The function on which it is made: the GPU itself, or one of its virtual functions.
    pub carrier: PciAddress,
    /// The type's id on this host: `nvidia-222`.
    pub mdev_type: String,
    /// The profile it gives.
    pub profile: ProfileFacts,
    /// How many of it the carrier can hold, those that exist now included.
    pub capacity: u32,
    /// How many of it the whole physical GPU can hold, those that exist now included.
    pub gpu_capacity: u32,
    /// Whether the host offered it beside existing slices of another type.
    pub is_mixed: bool,
}

/// The speed and width of a PCIe link: what it can do and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkFacts {
    /// What it can do: tenths of GT/s, lanes.
    pub capable: (u32, u32),
    /// What it does now: tenths of GT/s, lanes.
    pub actual: (u32, u32),
}

/// A function that was looked at and left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub address: PciAddress,
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// Its name.
    pub name: String,
    /// Why, in one sentence.
    pub reason: String,
}
