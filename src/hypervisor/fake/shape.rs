//! How a fake host is built: GPUs, NUMA nodes, IOMMU groups, slices, size.

use crate::domain::{
    catalogue::{MigProfile, mig_of},
    gpu::PciAddress,
    machine::*,
};
use std::collections::BTreeMap;

/// A type of slice that a fake GPU can make.
#[derive(Debug, Clone)]
pub(super) struct SliceType {
    pub(super) id: String,
    pub(super) name: String,
    /// The most instances of it on one GPU. One GPU carries one type at a time.
    pub(super) most: u32,
    /// What of the card an instance covers, when it is a MIG instance: these stand beside others while there is room.
    pub(super) mig: Option<&'static MigProfile>,
}

/// A fake host to be: everything has a good default, a test names only what matters.
#[derive(Debug, Clone)]
pub struct FakeShape {
    pub(super) name: String,
    pub(super) cpus: u32,
    pub(super) memory: Bytes,
    pub(super) pool: Bytes,
    pub(super) iommu: bool,
    pub(super) firmware: Firmware,
    pub(super) pages: Option<BTreeMap<Bytes, u64>>,
    pub(super) identity: Option<String>,
    pub(super) slices: Vec<SliceType>,
    pub(super) functions: Vec<SeenFunction>,
    pub(super) mdevs: Vec<SeenMdev>,
    gpus: u32,
    numa: u32,
    group: u32,
    audio: bool,
    model: (u16, u16, &'static str, &'static str),
    driver: Option<String>,
}

impl FakeShape {
    /// A host without GPUs: 64 CPUs, 512 GiB, 64 TiB in each pool, two NUMA nodes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cpus: 64,
            memory: 512 << 30,
            pool: 64 << 40,
            iommu: true,
            firmware: Firmware::SecureUefi,
            pages: None,
            identity: None,
            slices: Vec::new(),
            functions: Vec::new(),
            mdevs: Vec::new(),
            gpus: 0,
            numa: 2,
            group: 1,
            audio: false,
            model: (0x10de, 0x20b2, "NVIDIA Corporation", "GA100 [A100 SXM4 80GB]"),
            driver: Some("nvidia".to_owned()),
        }
    }

    /// This many GPUs, spread evenly over the NUMA nodes in order.
    pub fn gpus(mut self, count: u32) -> Self {
        self.gpus = count;
        self
    }
    /// This many NUMA nodes; 0: no device knows its node.
    pub fn numa(mut self, nodes: u32) -> Self {
        self.numa = nodes;
        self
    }
    /// Its NUMA nodes, equal parts of it.
    pub(super) fn nodes(&self) -> Vec<NodeSize> {
        let (parts, cpus) = (u64::from(self.numa.max(1)), self.cpus / self.numa.max(1));
        let one = |node| NodeSize { node, cpus, memory: self.memory / parts };
        (0..self.numa).map(one).collect()
    }
    /// This many GPUs share one IOMMU group (behind a switch without isolation).
    pub fn gpus_per_group(mut self, count: u32) -> Self {
        self.group = count.max(1);
        self
    }
    /// Each GPU has an audio function in its group.
    pub fn audio(mut self) -> Self {
        self.audio = true;
        self
    }
    /// The card model: vendor id, device id, vendor name, product name.
    pub fn model(
        mut self,
        vendor: u16,
        device: u16,
        maker: &'static str,
        product: &'static str,
    ) -> Self {
        self.model = (vendor, device, maker, product);
        self
    }
    /// Every GPU can make slices of this type, at most so many per GPU; call again for more types.
    pub fn slice_type(mut self, id: &str, name: &str, most: u32) -> Self {
        self.slices.push(SliceType { id: id.to_owned(), name: name.to_owned(), most, mig: None });
        self
    }
    /// Every GPU can make MIG instances of this type, as the card's table says; call again for more types. The model
    /// must be named before.
    pub fn mig_type(mut self, id: &str, name: &str) -> Self {
        let (vendor, device, ..) = self.model;
        let mig = mig_of(&format!("{vendor:04x}"), &format!("{device:04x}"), name);
        let most = mig.map_or(0, |mig| mig.max);
        self.slices.push(SliceType { id: id.to_owned(), name: name.to_owned(), most, mig });
        self
    }
    /// A mediated device that was made beforehand on the n-th GPU (from 0).
    pub fn premade(mut self, uuid: uuid::Uuid, gpu: u32, type_id: &str) -> Self {
        let parent = gpu_address(gpu);
        self.mdevs.push(SeenMdev { uuid, parent, type_id: type_id.to_owned(), iommu_group: None });
        self
    }
    /// The driver that GPUs are bound to when no domain has them.
    pub fn driver(mut self, driver: Option<&str>) -> Self {
        self.driver = driver.map(str::to_owned);
        self
    }
    /// Logical CPUs.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }
    /// Memory in bytes.
    pub fn memory(mut self, memory: Bytes) -> Self {
        self.memory = memory;
        self
    }
    /// The size of every storage pool in bytes.
    pub fn pool(mut self, size: Bytes) -> Self {
        self.pool = size;
        self
    }
    /// A host whose IOMMU is off: its devices have no groups.
    pub fn without_iommu(mut self) -> Self {
        self.iommu = false;
        self
    }
    /// The most that its guests can boot by, where it has no UEFI or none that boots securely.
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.firmware = firmware;
        self
    }
    /// How many huge pages of a size it tells of.
    pub fn huge_pages(mut self, size: Bytes, count: u64) -> Self {
        self.pages.get_or_insert_default().insert(size, count);
        self
    }
    /// Its hardware identity, where it is not its name (the same machine under two names).
    pub fn identity(mut self, identity: &str) -> Self {
        self.identity = Some(identity.to_owned());
        self
    }
    /// One more function, as given.
    pub fn function(mut self, function: SeenFunction) -> Self {
        self.functions.push(function);
        self
    }

    /// The name from a URI `fake://name?gpus=8&numa=2&cpus=64&memory=512` (memory in GiB); unknown words are ignored.
    pub(super) fn from_uri(name: &str, query: &str) -> Self {
        let words = query.split('&').filter_map(|word| word.split_once('='));
        words.fold(Self::new(name).gpus(8), |shape, (key, value)| {
            let Ok(number) = value.parse::<u32>() else { return shape };
            match key {
                "gpus" => shape.gpus(number),
                "numa" => shape.numa(number),
                "cpus" => shape.cpus(number),
                "memory" => shape.memory(Bytes::from(number) << 30),
                _ => shape,
            }
        })
    }

    /// The functions that the numbers above stand for.
    pub(super) fn build(mut self) -> Self {
        for index in 0..self.gpus {
            let gpu = self.gpu(index);
            if self.audio {
                let mut audio = gpu.clone();
                audio.address.function = 1;
                audio.class = 0x0403;
                audio.device_id = 0x10f8;
                audio.product = "High definition audio".to_owned();
                audio.driver = Some("snd_hda_intel".to_owned());
                audio.mdev_types.clear();
                self.functions.push(audio);
            }
            self.functions.push(gpu);
        }
        self.functions.sort_by_key(|function| function.address);
        self
    }

    fn gpu(&self, index: u32) -> SeenFunction {
        let address = gpu_address(index);
        let group = index / self.group;
        let members =
            (group * self.group..((group + 1) * self.group).min(self.gpus)).flat_map(|n| {
                let gpu = gpu_address(n);
                let audio = self.audio.then_some(PciAddress { function: 1, ..gpu });
                std::iter::once(gpu).chain(audio)
            });
        let per_node = self.gpus.div_ceil(self.numa.max(1)).max(1);
        let (vendor_id, device_id, vendor, product) = self.model;
        SeenFunction {
            address,
            class: 0x0302,
            vendor_id,
            device_id,
            vendor: vendor.to_owned(),
            product: product.to_owned(),
            driver: self.driver.clone(),
            numa_node: (self.numa > 0).then_some(index / per_node),
            iommu_group: self.iommu.then_some(20 + group),
            group_members: if self.iommu { members.collect() } else { Vec::new() },
            parents: vec![PciAddress { domain: 0, bus: address.bus - 1, slot: 0, function: 0 }],
            physical: None,
            virtual_functions: Vec::new(),
            max_virtual_functions: 0,
            mdev_types: Vec::new(), // computed at each look
            link: Some(((160, 16), (160, 16))),
        }
    }
}

/// Where the n-th GPU of a fake host sits; the domain changes after 60.
fn gpu_address(index: u32) -> PciAddress {
    PciAddress { domain: index / 60, bus: 0x11 + (index % 60) as u8 * 2, slot: 0, function: 0 }
}
