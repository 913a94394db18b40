//! The discovery file of CloudStack's hosts: what its script prints about GPUs, read as an observation of ours.
//!
//! The script walks the devices by other means than we do and so may know names, memory and limits of types that
//! libvirt does not tell. What it says is not proof that a device is there: until the host itself shows one, nobody
//! gets it.

use super::{
    CardFacts, DeviceType, Observed, PciAddress, ProfileFacts, ProfileKind,
    inventory::card_facts_of,
    profile::MOST_MEMORY_MIB,
    readiness::{Assessment, Reason},
};
use serde::Deserialize;

/// A device of the file, and the domain that uses it, as the file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What it is.
    pub device: Observed,
    /// The domain's name.
    pub used_by: Option<String>,
}

#[derive(Deserialize)]
struct File {
    gpus: Vec<Gpu>,
}

#[derive(Deserialize)]
struct Gpu {
    pci_address: String,
    vendor_id: String,
    device_id: String,
    #[serde(default)]
    vendor: Option<String>,
    #[serde(default)]
    device: Option<String>,
    #[serde(default)]
    driver: Option<String>,
    #[serde(default)]
    iommu_group: Option<serde_json::Value>,
    #[serde(default)]
    pci_root: Option<String>,
    #[serde(default)]
    numa_node: Option<i64>,
    #[serde(flatten)]
    size: Size,
    #[serde(default)]
    full_passthrough: Whole,
    #[serde(default)]
    vgpu_instances: Vec<Mediated>,
    #[serde(default)]
    vf_instances: Vec<Virtual>,
}

/// What a profile is like; the script writes null or 0 for what it does not know.
#[derive(Deserialize, Default)]
struct Size {
    #[serde(default)]
    max_instances: Option<u32>,
    #[serde(default)]
    video_ram: Option<u64>,
    #[serde(default)]
    max_heads: Option<u32>,
    #[serde(default)]
    max_resolution_x: Option<u32>,
    #[serde(default)]
    max_resolution_y: Option<u32>,
}

#[derive(Deserialize, Default)]
struct Whole {
    /// 1 or 0; the script's own head says true or false.
    #[serde(default)]
    enabled: serde_json::Value,
    #[serde(default)]
    used_by_vm: Option<String>,
}

#[derive(Deserialize)]
struct Mediated {
    mdev_uuid: String,
    profile_name: String,
    #[serde(flatten)]
    size: Size,
    #[serde(default)]
    libvirt_address: Option<Place>,
    #[serde(default)]
    used_by_vm: Option<String>,
}

#[derive(Deserialize)]
struct Virtual {
    vf_pci_address: String,
    vf_profile: String,
    #[serde(flatten)]
    size: Size,
    #[serde(default)]
    used_by_vm: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    domain: String,
    bus: String,
    slot: String,
    function: String,
}

impl Place {
    fn address(&self) -> Option<PciAddress> {
        let part = |text: &str| text.trim_start_matches("0x").to_owned();
        let Self { domain, bus, slot, function } = self;
        let text = format!("{}:{}:{}.{}", part(domain), part(bus), part(slot), part(function));
        text.parse().ok()
    }
}

/// The devices of a file, parents before their parts. Error: which GPU is not understood, and why; then nothing is read.
pub fn read(text: &str) -> Result<Vec<Listed>, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for gpu in &file.gpus {
        let read = gpu.read(&mut all);
        read.map_err(|why| format!("GPU {}: {why}", gpu.pci_address))?;
    }
    let mut addresses: Vec<&str> = all.iter().map(|one| one.device.address.as_str()).collect();
    addresses.sort_unstable();
    match addresses.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is there twice", pair[0])),
        None => Ok(all),
    }
}

impl Gpu {
    fn read(&self, all: &mut Vec<Listed>) -> Result<(), String> {
        let function: PciAddress = self.pci_address.parse()?;
        let hex = |text: &str| {
            u16::from_str_radix(text.trim_start_matches("0x"), 16)
                .map_err(|_| format!("{text} is no PCI id"))
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let ids = (hex(&self.vendor_id)?, hex(&self.device_id)?);
        let card = card_facts_of(ids, (&text(&self.vendor), &text(&self.device)));
        let whole = self.whole(function, &card);
        let parent = Some(whole.address.clone());
        all.push(Listed {
            device: whole.clone(),
            used_by: used(&self.full_passthrough.used_by_vm),
        });
        for mdev in self.vgpu_instances.iter().filter(|mdev| !mdev.profile_name.is_empty()) {
            let uuid = uuid::Uuid::try_parse(&mdev.mdev_uuid)
                .map_err(|_| format!("{} is no UUID", mdev.mdev_uuid))?;
            let carrier = mdev.libvirt_address.as_ref().and_then(Place::address);
            let device = Observed {
                address: uuid.hyphenated().to_string(),
                device_type: DeviceType::MDEV,
                function: carrier.unwrap_or(function),
                parent: parent.clone(),
                profile: mdev.size.apply(ProfileFacts::mediated(&mdev.profile_name, &card)),
                iommu_group: None,
                ..whole.clone()
            };
            all.push(Listed { device, used_by: used(&mdev.used_by_vm) });
        }
        for part in self.vf_instances.iter().filter(|part| !part.vf_profile.is_empty()) {
            let function: PciAddress = part.vf_pci_address.parse()?;
            let profile = ProfileFacts::virtual_function(&part.vf_profile, None, 0);
            let device = Observed {
                address: function.to_string(),
                device_type: DeviceType::PCI,
                function,
                parent: parent.clone(),
                profile: part.size.apply(profile),
                iommu_group: None,
                driver: None,
                ..whole.clone()
            };
            all.push(Listed { device, used_by: used(&part.used_by_vm) });
        }
        Ok(())
    }

    fn whole(&self, function: PciAddress, card: &CardFacts) -> Observed {
        let is_whole = matches!(&self.full_passthrough.enabled, serde_json::Value::Bool(true))
            || self.full_passthrough.enabled.as_i64() == Some(1);
        let known = |text: &String| !matches!(text.as_str(), "" | "unknown" | "null");
        let group = self.iommu_group.as_ref();
        let group =
            group.and_then(|it| it.as_str().map_or_else(|| it.as_u64(), |t| t.parse().ok()));
        let unseen = Reason {
            short: "not seen yet",
            sentence: "entered from a discovery file: the host has not shown it yet".to_owned(),
            hint: String::new(),
        };
        let mut assessment = Assessment::ready();
        assessment.stop(unseen);
        Observed {
            address: function.to_string(),
            device_type: if is_whole { DeviceType::PCI } else { DeviceType::VGPUOnly },
            function,
            parent: None,
            card: card.clone(),
            profile: self.size.apply(ProfileFacts::passthrough(card)),
            mdev_type: None,
            numa_node: self.numa_node.and_then(|node| u32::try_from(node).ok()),
            pci_root: self.pci_root.as_deref().and_then(|text| text.parse().ok()),
            pci_switch: None,
            iommu_group: group.and_then(|number| u32::try_from(number).ok()),
            companions: Vec::new(),
            peers: Vec::new(),
            driver: self.driver.clone().filter(known),
            link: None,
            slices: Vec::new(),
            assessment,
        }
    }
}

fn used(by: &Option<String>) -> Option<String> {
    by.clone().filter(|name| !name.is_empty() && name != "null")
}

impl Size {
    /// What the file says goes before what a name says; a whole card stays one.
    fn apply(&self, facts: ProfileFacts) -> ProfileFacts {
        let is_whole = facts.kind == ProfileKind::Passthrough;
        let some = |number: Option<u32>| number.filter(|n| *n > 0);
        ProfileFacts {
            memory_mib: self
                .video_ram
                .filter(|n| (1..=MOST_MEMORY_MIB.unsigned_abs()).contains(n))
                .or(facts.memory_mib),
            max_heads: some(self.max_heads).or(facts.max_heads),
            max_resolution: some(self.max_resolution_x)
                .zip(some(self.max_resolution_y))
                .or(facts.max_resolution),
            max_per_gpu: some(self.max_instances).filter(|_| !is_whole).or(facts.max_per_gpu),
            ..facts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_script_is_understood() {
        let all = read(include_str!("discovery.json")).unwrap();
        let line = |one: &Listed| {
            let Observed { address, device_type, profile, parent, .. } = &one.device;
            let parent = parent.as_deref().unwrap_or("-");
            format!("{address} {device_type} {} {parent} {:?}", profile.name, one.used_by)
        };
        let lines: Vec<String> = all.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "0000:3b:00.0 PCI passthrough - Some(\"i-2-7-VM\")",
                "0000:af:00.0 VGPUOnly passthrough - None",
                "b155147a-663a-4009-ae7f-e9a96805b3ce MDEV GRID T4-2Q 0000:af:00.0 None",
                "0001:c1:00.0 VGPUOnly passthrough - None",
                "0001:c1:02.0 PCI MI300X VF 0001:c1:00.0 None",
            ]
        );
        let slice = &all[2].device;
        assert_eq!((slice.profile.max_per_gpu, slice.profile.memory_mib), (Some(8), Some(2048)));
        assert_eq!(slice.profile.max_resolution, Some((4096, 2160)));
        assert_eq!((all[0].device.numa_node, all[1].device.numa_node), (Some(0), None));
        assert_eq!((all[0].device.iommu_group, all[3].device.iommu_group), (Some(61), None));
        assert_eq!(all[3].device.card.device_name, "Instinct of tomorrow");
        assert!(all.iter().all(|one| !one.device.assessment.is_ready()));
    }

    #[test]
    fn what_is_not_understood_is_said_and_nothing_is_read() {
        for (text, why) in [
            ("", "EOF"),
            ("{}", "gpus"),
            (
                "{\"gpus\":[{\"pci_address\":\"x\",\"vendor_id\":\"10de\",\"device_id\":\"1eb8\"}]}",
                "GPU x: ",
            ),
            (
                "{\"gpus\":[{\"pci_address\":\"3b:00.0\",\"vendor_id\":\"zz\",\"device_id\":\"1\"}]}",
                "zz is no PCI id",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let one = "{\"pci_address\":\"3b:00.0\",\"vendor_id\":\"10de\",\"device_id\":\"1eb8\"}";
        let error = read(&format!("{{\"gpus\":[{one},{one}]}}")).unwrap_err();
        assert_eq!(error, "0000:3b:00.0 is there twice");
        assert!(read(&format!("{{\"gpus\":[{one}]}}")).is_ok());
    }
}
