//! `<capabilities>` and `<domainCapabilities>`: who the host is, its NUMA nodes, what its domains can be.

use super::read;
use crate::domain::machine::{
    Firmware,
    shape::{HostNode, Topology},
};
use serde::Deserialize;

/// A host as its capabilities describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::hypervisor::libvirt) struct Capabilities {
    /// The hardware's UUID; `None` on the test driver.
    pub(in crate::hypervisor::libvirt) uuid: Option<String>,
    /// CPU architecture.
    pub(in crate::hypervisor::libvirt) arch: String,
    /// Whether the IOMMU is on; `None`: not said.
    pub(in crate::hypervisor::libvirt) iommu: Option<bool>,
    /// The domain types that guests of the host's own architecture can have.
    pub(in crate::hypervisor::libvirt) domain_types: Vec<String>,
    /// The NUMA nodes.
    pub(in crate::hypervisor::libvirt) topology: Topology,
}

#[derive(Deserialize)]
struct CapabilitiesXml {
    host: HostXml,
    #[serde(default)]
    guest: Vec<GuestXml>,
}
#[derive(Deserialize)]
struct HostXml {
    uuid: Option<String>,
    cpu: Option<CpuXml>,
    iommu: Option<IommuXml>,
    topology: Option<TopologyXml>,
}
#[derive(Deserialize)]
struct CpuXml {
    arch: Option<String>,
}
#[derive(Deserialize)]
struct IommuXml {
    #[serde(rename = "@support")]
    support: String,
}
#[derive(Deserialize)]
struct TopologyXml {
    cells: CellsXml,
}
#[derive(Deserialize)]
struct CellsXml {
    #[serde(default)]
    cell: Vec<CellXml>,
}
#[derive(Deserialize)]
struct CellXml {
    #[serde(rename = "@id")]
    id: u32,
    memory: Option<SizeXml>,
    #[serde(default)]
    pages: Vec<PagesXml>,
    cpus: Option<CpusXml>,
}
#[derive(Deserialize)]
struct SizeXml {
    #[serde(rename = "$text")]
    kib: u64,
}
#[derive(Deserialize)]
struct PagesXml {
    #[serde(rename = "@size")]
    kib: u64,
    #[serde(rename = "$text", default)]
    count: u64,
}
#[derive(Deserialize)]
struct CpusXml {
    #[serde(default)]
    cpu: Vec<CpuIdXml>,
}
#[derive(Deserialize)]
struct CpuIdXml {
    #[serde(rename = "@id")]
    id: u32,
}
#[derive(Deserialize)]
struct GuestXml {
    arch: Option<ArchXml>,
}
#[derive(Deserialize)]
struct ArchXml {
    #[serde(rename = "@name")]
    name: String,
    #[serde(default)]
    domain: Vec<TypeXml>,
}
#[derive(Deserialize)]
struct TypeXml {
    #[serde(rename = "@type")]
    kind: String,
}

/// Reads a host's capabilities.
pub(in crate::hypervisor::libvirt) fn read_capabilities(
    text: &str,
) -> Result<Capabilities, String> {
    let CapabilitiesXml { host, guest } = read("capabilities", text)?;
    let arch = host.cpu.and_then(|cpu| cpu.arch).unwrap_or_default();
    let guests = guest.into_iter().filter_map(|guest| guest.arch);
    let types = guests.filter(|guest| guest.name == arch).flat_map(|guest| guest.domain);
    let cells = host.topology.map(|topology| topology.cells.cell).unwrap_or_default();
    let node = |cell: CellXml| {
        let cpus = cell.cpus.map(|cpus| cpus.cpu).unwrap_or_default();
        let node = HostNode {
            cpus: cpus.iter().map(|cpu| cpu.id).collect(),
            memory: cell.memory.map_or(0, |memory| memory.kib << 10),
            pages: cell.pages.iter().map(|pages| (pages.kib << 10, pages.count)).collect(),
        };
        (cell.id, node)
    };
    Ok(Capabilities {
        uuid: host.uuid,
        iommu: host.iommu.map(|iommu| iommu.support == "yes"),
        domain_types: types.map(|kind| kind.kind).collect(),
        topology: Topology { nodes: cells.into_iter().map(node).collect() },
        arch,
    })
}

#[derive(Deserialize)]
struct DomainCapabilitiesXml {
    domain: String,
    os: Option<OsXml>,
}
#[derive(Deserialize)]
struct OsXml {
    #[serde(rename = "enum", default)]
    choices: Vec<ChoiceXml>,
    loader: Option<LoaderXml>,
}
#[derive(Deserialize)]
struct LoaderXml {
    #[serde(rename = "enum", default)]
    choices: Vec<ChoiceXml>,
}
#[derive(Deserialize)]
struct ChoiceXml {
    #[serde(rename = "@name")]
    name: String,
    #[serde(default)]
    value: Vec<String>,
}

/// The type that the host itself would choose for a domain, and what its domains can boot by.
pub(in crate::hypervisor::libvirt) fn read_domain_capabilities(
    text: &str,
) -> Result<(String, Vec<Firmware>), String> {
    let found: DomainCapabilitiesXml = read("domain capabilities", text)?;
    let offers = |choices: &[ChoiceXml], name: &str, word: &str| {
        choices.iter().any(|it| it.name == name && it.value.iter().any(|value| value == word))
    };
    let mut firmware = vec![Firmware::Bios];
    if let Some(os) = found.os.filter(|os| offers(&os.choices, "firmware", "efi")) {
        firmware.push(Firmware::Uefi);
        if os.loader.is_some_and(|loader| offers(&loader.choices, "secure", "yes")) {
            firmware.push(Firmware::SecureUefi);
        }
    }
    Ok((found.domain, firmware))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_can_boot_by_is_read() {
        // as libvirt 9.0 says it on Debian 12 with ovmf, and without
        let text = |efi: &str, secure: &str| {
            format!(
                "<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain><machine>pc-q35-7.2</machine>\
                <arch>x86_64</arch><vcpu max='288'/><os supported='yes'><enum name='firmware'>{efi}</enum>\
                <loader supported='yes'><value>/usr/share/OVMF/OVMF_CODE_4M.fd</value><enum name='type'><value>rom</value>\
                <value>pflash</value></enum><enum name='readonly'><value>yes</value><value>no</value></enum>\
                <enum name='secure'>{secure}<value>no</value></enum></loader></os></domainCapabilities>"
            )
        };
        let (efi, yes) = ("<value>efi</value>", "<value>yes</value>");
        let read = |efi, yes| read_domain_capabilities(&text(efi, yes)).unwrap();
        let (bios, uefi, secure) = (Firmware::Bios, Firmware::Uefi, Firmware::SecureUefi);
        assert_eq!(read(efi, yes), ("kvm".to_owned(), vec![bios, uefi, secure]));
        assert_eq!(read(efi, "").1, [bios, uefi]);
        assert_eq!(read("", "").1, [bios]);
        let old = "<domainCapabilities><domain>qemu</domain></domainCapabilities>";
        assert_eq!(read_domain_capabilities(old).unwrap(), ("qemu".to_owned(), vec![bios]));
    }

    #[test]
    fn a_recorded_host_is_understood() {
        let seen = read_capabilities(include_str!("golden/seen_capabilities.xml")).unwrap();
        assert_eq!(seen.arch, "x86_64");
        assert_eq!(seen.iommu, Some(true));
        assert!(seen.domain_types.contains(&"qemu".to_owned()));
        assert!(seen.uuid.is_some_and(|uuid| uuid.len() == 36));
        let nodes: Vec<_> = seen.topology.nodes.values().collect();
        assert_eq!(nodes.iter().map(|node| node.cpus.len()).sum::<usize>(), 2);
        assert!(nodes.iter().all(|node| node.memory > 1 << 29), "{nodes:?}");
        assert!(nodes[0].pages[&4096] > 1 << 17, "{nodes:?}");
    }
}
