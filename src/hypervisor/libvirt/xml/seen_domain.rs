//! `<domain>` as a host shows it: who it is and which devices it names.

use super::{AddressXml, read};
use crate::domain::machine::SeenDomain;
use serde::Deserialize;
use uuid::Uuid;

#[derive(Deserialize)]
struct DomainXml {
    name: String,
    uuid: Uuid,
    #[serde(default)]
    devices: DevicesXml,
}
#[derive(Deserialize, Default)]
struct DevicesXml {
    #[serde(default)]
    hostdev: Vec<HostdevXml>,
    #[serde(default)]
    interface: Vec<InterfaceXml>,
}
#[derive(Deserialize)]
struct HostdevXml {
    #[serde(rename = "@type")]
    kind: Option<String>,
    source: Option<SourceXml>,
}
#[derive(Deserialize)]
struct InterfaceXml {
    #[serde(rename = "@type")]
    kind: Option<String>,
    source: Option<SourceXml>,
}
#[derive(Deserialize)]
struct SourceXml {
    #[serde(default)]
    address: Vec<AddressXml>,
}

/// Reads a domain; `active` is asked apart. A network card by `<interface type='hostdev'>` holds its function too.
pub(in crate::hypervisor::libvirt) fn read_domain(
    text: &str,
    active: bool,
) -> Result<SeenDomain, String> {
    let domain: DomainXml = read("domain", text)?;
    let (mut pci, mut mdevs) = (Vec::new(), Vec::new());
    let hostdevs = domain.devices.hostdev.into_iter().map(|device| (device.kind, device.source));
    let interfaces = domain.devices.interface.into_iter();
    let interfaces = interfaces
        .filter(|nic| nic.kind.as_deref() == Some("hostdev"))
        .map(|nic| (Some("pci".to_owned()), nic.source));
    for (kind, source) in hostdevs.chain(interfaces) {
        let addresses = source.map(|source| source.address).unwrap_or_default();
        match kind.as_deref() {
            Some("pci") => pci.extend(addresses.iter().filter_map(AddressXml::pci)),
            Some("mdev") => mdevs.extend(addresses.iter().filter_map(|address| address.uuid)),
            _ => {}
        }
    }
    Ok(SeenDomain { uuid: domain.uuid, name: domain.name, active, pci, mdevs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_every_kind_are_found() {
        let text = r#"<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>by &amp; hand</name><uuid>00000000-0000-0000-0000-000000000033</uuid><title/>
          <devices>
            <disk type='file'><source file='/x'/></disk>
            <hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>
              <address domain='0x0001' bus='0x81' slot='0x00' function='0x0'/></source>
              <alias name='hostdev0'/><address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></hostdev>
            <disk type='file'/>
            <hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><address bus='1' device='2'/></source></hostdev>
            <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>
              <address uuid='4b20d080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>
            <interface type='hostdev'><source><address type='pci' domain='0x0' bus='0x21' slot='0x10' function='0x1'/></source></interface>
            <interface type='network'><source network='default'/></interface>
          </devices><qemu:commandline><qemu:arg value='x'/></qemu:commandline></domain>"#;
        let seen = read_domain(text, true).unwrap();
        assert_eq!(seen.name, "by & hand");
        assert_eq!(format!("{:?}", seen.pci), "[0001:81:00.0, 0000:21:10.1]");
        assert_eq!(seen.mdevs.len(), 1);
    }
}
