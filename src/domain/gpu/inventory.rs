//! From what a host shows to what it has: which functions are GPUs and what of them can be assigned.
//!
//! One assignable thing for each leaf: a whole function; a virtual function; a mediated device that exists. A virtual
//! function that carries mediated devices, or could, is a means and never a device. A physical GPU with parts is kept
//! as `VGPUOnly`, their parent. What could be made on demand is a property of the physical GPU (`slices`), no device.

use super::{
    DeviceType, PciAddress,
    group::Group,
    observed::{CardFacts, Inventory, LinkFacts, Observed, ProfileFacts, Skipped, SliceType},
    readiness::{Assessment, Evidence, HostConditions, judge, virtual_functions_on},
    rules::{Rules, Sort},
};
use crate::domain::{
    catalogue,
    machine::{SeenDevices, SeenFunction, SeenMdev},
};
use std::collections::HashMap;

/// NVIDIA's virtual functions are of no use before a type is set, and libvirt does not tell whether one is.
const NVIDIA: u16 = 0x10de;

/// What a probe says about GPUs.
pub fn observe(seen: &SeenDevices, rules: &Rules, host: HostConditions) -> Inventory {
    let functions = seen.functions.iter().map(|f| (f.address, (f, rules.sort(f)))).collect();
    let view = View { seen, rules, host, functions };
    let mut inventory =
        Inventory { is_plausible: !seen.functions.is_empty(), ..Inventory::default() };
    let mut ordered: Vec<&SeenFunction> = seen.functions.iter().collect();
    ordered.sort_by_key(|f| f.address);
    for function in ordered {
        match view.sort(function.address) {
            Sort::Gpu if view.physical(function).is_none() => {
                view.physical_gpu(function, &mut inventory);
            }
            Sort::Gpu | Sort::Other => {}
            Sort::LeftOut(reason) => inventory.skipped.push(skip(function, reason)),
        }
    }
    inventory
}

/// A card by its ids: the catalogue's names, else libvirt's.
pub fn card_facts(function: &SeenFunction) -> CardFacts {
    let SeenFunction { vendor_id, device_id, vendor, product, .. } = function;
    card_facts_of((*vendor_id, *device_id), (vendor, product))
}

/// What is known of a card by its ids, and by its names as somebody read them.
pub fn card_facts_of((vendor_id, device_id): (u16, u16), names: (&str, &str)) -> CardFacts {
    let known = catalogue::card(vendor_id, device_id);
    let text = |read: &str, otherwise: String| match read.trim() {
        "" => otherwise,
        read => read.chars().take(255).collect(),
    };
    CardFacts {
        vendor_id,
        device_id,
        vendor_name: known.map_or_else(
            || text(names.0, format!("Vendor {vendor_id:04x}")),
            |k| k.vendor.to_owned(),
        ),
        device_name: known.map_or_else(
            || text(names.1, format!("Device {vendor_id:04x}:{device_id:04x}")),
            |k| k.name.to_owned(),
        ),
        memory_mib: known.and_then(|k| k.memory_mib),
        mig_family: known.and_then(|k| k.mig_family),
    }
}

/// The root port and the nearest switch (its upstream port) of a chain of parents, nearest first.
///
/// Behind a switch the chain reads: downstream port, upstream port, root port.
pub fn place(parents: &[PciAddress]) -> (Option<PciAddress>, Option<PciAddress>) {
    let switch = if parents.len() >= 3 { parents.get(1) } else { None };
    (parents.last().copied(), switch.copied())
}

pub(super) struct View<'a> {
    seen: &'a SeenDevices,
    rules: &'a Rules,
    host: HostConditions,
    functions: HashMap<PciAddress, (&'a SeenFunction, Sort)>,
}

impl<'a> View<'a> {
    pub(super) fn function(&self, address: PciAddress) -> Option<&'a SeenFunction> {
        self.functions.get(&address).map(|(f, _)| *f)
    }

    pub(super) fn sort(&self, address: PciAddress) -> Sort {
        self.functions.get(&address).map_or(Sort::Other, |(_, sort)| sort.clone())
    }

    /// The physical function of a virtual one, when that is a GPU of ours.
    fn physical(&self, function: &SeenFunction) -> Option<&'a SeenFunction> {
        let address = function.physical?;
        self.function(address).filter(|_| self.sort(address) == Sort::Gpu)
    }

    fn physical_gpu(&self, gpu: &'a SeenFunction, inventory: &mut Inventory) {
        let mut parts: Vec<&SeenFunction> = (self.seen.functions.iter())
            .filter(|f| f.physical == Some(gpu.address) && self.sort(f.address) == Sort::Gpu)
            .collect();
        parts.sort_by_key(|f| f.address);
        let carriers: Vec<&SeenFunction> =
            std::iter::once(gpu).chain(parts.iter().copied()).collect();
        let mut mdevs: Vec<&SeenMdev> = (self.seen.mdevs.iter())
            .filter(|m| carriers.iter().any(|c| c.address == m.parent))
            .collect();
        mdevs.sort_by_key(|m| (m.parent, m.uuid));

        let card = card_facts(gpu);
        let whole = self.whole(gpu, &card, &carriers, &mdevs);
        let parent = whole.address.clone();
        inventory.devices.push(whole);
        for mdev in &mdevs {
            if let Some(carrier) = carriers.iter().find(|c| c.address == mdev.parent) {
                inventory.devices.push(self.mediated(mdev, carrier, gpu, &card, &parent));
            }
        }
        let total = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        for part in parts {
            let carries = mdevs.iter().any(|m| m.parent == part.address);
            if carries || !part.mdev_types.is_empty() {
                continue;
            }
            if part.vendor_id == NVIDIA && !self.rules.includes(part) {
                inventory.skipped.push(skip(
                    part,
                    "no vGPU type can be seen on this virtual function; an include rule takes it as it is".into(),
                ));
                continue;
            }
            inventory.devices.push(self.virtual_function(part, gpu, &card, &parent, total));
        }
    }

    fn whole(
        &self,
        gpu: &SeenFunction,
        card: &CardFacts,
        carriers: &[&SeenFunction],
        mdevs: &[&SeenMdev],
    ) -> Observed {
        let mut device = self.base(gpu, gpu, card, ProfileFacts::passthrough(card));
        let functions = gpu.virtual_functions.len().max(carriers.len() - 1);
        if functions > 0 {
            device.assessment.stop(virtual_functions_on(functions));
        }
        if functions > 0 || !mdevs.is_empty() {
            device.device_type = DeviceType::VGPUOnly;
        }
        if self.seen.can_create_mdevs {
            device.slices = slices(card, carriers, mdevs);
        }
        device
    }

    fn virtual_function(
        &self,
        part: &SeenFunction,
        gpu: &SeenFunction,
        card: &CardFacts,
        parent: &str,
        total: u32,
    ) -> Observed {
        let own = card_facts(part);
        let profile = ProfileFacts::virtual_function(&own.device_name, own.memory_mib, total);
        Observed { parent: Some(parent.to_owned()), ..self.base(part, gpu, card, profile) }
    }

    fn mediated(
        &self,
        mdev: &SeenMdev,
        carrier: &SeenFunction,
        gpu: &SeenFunction,
        card: &CardFacts,
        parent: &str,
    ) -> Observed {
        let known = carrier.mdev_types.iter().find(|t| t.id == mdev.type_id);
        let name = known.map(|t| t.name.as_str()).filter(|n| !n.is_empty());
        let profile = ProfileFacts::mediated(name.unwrap_or(&mdev.type_id), card);
        Observed {
            address: mdev.uuid.hyphenated().to_string(),
            device_type: DeviceType::MDEV,
            parent: Some(parent.to_owned()),
            mdev_type: Some(mdev.type_id.clone()),
            iommu_group: mdev.iommu_group,
            companions: Vec::new(),
            peers: Vec::new(),
            link: None,
            assessment: Assessment::ready(),
            ..self.base(carrier, gpu, card, profile)
        }
    }

    /// A function as a device; place and node come from its physical GPU where it does not know its own.
    fn base(
        &self,
        function: &SeenFunction,
        gpu: &SeenFunction,
        card: &CardFacts,
        profile: ProfileFacts,
    ) -> Observed {
        let above: Vec<PciAddress> =
            function.parents.iter().copied().filter(|&p| p != gpu.address).collect();
        let (pci_root, pci_switch) = place(if above.is_empty() { &gpu.parents } else { &above });
        let group = Group::of(function, self);
        let link = function.link.map(|(capable, actual)| LinkFacts { capable, actual });
        let evidence = Evidence {
            iommu_group: function.iommu_group,
            driver: function.driver.as_deref(),
            foreign: group.foreign,
            link,
            trusted_drivers: &self.rules.trusted_drivers,
        };
        Observed {
            address: function.address.to_string(),
            device_type: DeviceType::PCI,
            function: function.address,
            parent: None,
            card: card.clone(),
            profile,
            mdev_type: None,
            numa_node: function.numa_node.or(gpu.numa_node),
            pci_root,
            pci_switch,
            iommu_group: function.iommu_group,
            companions: group.companions,
            peers: group.peers,
            driver: function.driver.clone(),
            link,
            slices: Vec::new(),
            assessment: judge(&evidence, self.host),
        }
    }
}

/// What can be made on the functions of one GPU, by function and type. What the host offers is what is left, so what
/// exists is added: the capacity does not change when we make one.
fn slices(card: &CardFacts, carriers: &[&SeenFunction], mdevs: &[&SeenMdev]) -> Vec<SliceType> {
    let mut all = Vec::new();
    for carrier in carriers {
        for offered in &carrier.mdev_types {
            let existing = (mdevs.iter())
                .filter(|m| m.parent == carrier.address && m.type_id == offered.id)
                .count();
            let capacity = offered.available + u32::try_from(existing).unwrap_or(u32::MAX);
            let beside_others = mdevs.iter().any(|m| m.type_id != offered.id);
            let name = if offered.name.is_empty() { &offered.id } else { &offered.name };
            if capacity > 0 {
                all.push(SliceType {
                    carrier: carrier.address,
                    mdev_type: offered.id.clone(),
                    profile: ProfileFacts::mediated(name, card),
                    capacity,
                    gpu_capacity: 0,
                    is_mixed: offered.available > 0 && beside_others,
                });
            }
        }
    }
    let mut sums: HashMap<String, u32> = HashMap::new();
    for slice in &all {
        *sums.entry(slice.mdev_type.clone()).or_default() += slice.capacity;
    }
    for slice in &mut all {
        let sum = sums.get(&slice.mdev_type).copied().unwrap_or_default();
        slice.gpu_capacity = sum.min(slice.profile.max_per_gpu.unwrap_or(u32::MAX));
    }
    all
}

fn skip(function: &SeenFunction, reason: String) -> Skipped {
    Skipped {
        address: function.address,
        vendor_id: function.vendor_id,
        device_id: function.device_id,
        name: card_facts(function).name(),
        reason,
    }
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;
