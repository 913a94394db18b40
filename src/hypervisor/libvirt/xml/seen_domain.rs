//! `<domain>` as a host shows it: who it is and which devices it names.

use super::{AddressXml, read};
use crate::domain::machine::{SeenDisk, SeenDomain, SeenNic, SeenParts};
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
    #[serde(default)]
    disk: Vec<DiskXml>,
}
#[derive(Deserialize)]
struct DiskXml {
    #[serde(rename = "@device")]
    device: Option<String>,
    driver: Option<DriverXml>,
    source: Option<PlaceXml>,
    target: Option<TargetXml>,
}
#[derive(Deserialize)]
struct DriverXml {
    #[serde(rename = "@type")]
    format: Option<String>,
}
#[derive(Deserialize)]
struct TargetXml {
    #[serde(rename = "@dev")]
    dev: String,
}
/// Where a disk lies: one of these, by its type.
#[derive(Deserialize)]
struct PlaceXml {
    #[serde(rename = "@file")]
    file: Option<String>,
    #[serde(rename = "@dev")]
    dev: Option<String>,
    #[serde(rename = "@pool")]
    pool: Option<String>,
    #[serde(rename = "@volume")]
    volume: Option<String>,
    #[serde(rename = "@protocol")]
    protocol: Option<String>,
    #[serde(rename = "@name")]
    name: Option<String>,
}
#[derive(Deserialize)]
struct MacXml {
    #[serde(rename = "@address")]
    address: String,
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
    mac: Option<MacXml>,
    source: Option<SourceXml>,
}
#[derive(Deserialize)]
struct SourceXml {
    #[serde(rename = "@bridge")]
    bridge: Option<String>,
    #[serde(rename = "@network")]
    network: Option<String>,
    #[serde(rename = "@dev")]
    dev: Option<String>,
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

/// Reads the disks and network cards of a domain. A card that is a function of the host is a device, and no part.
pub(in crate::hypervisor::libvirt) fn read_parts(text: &str) -> Result<SeenParts, String> {
    let domain: DomainXml = read("domain", text)?;
    let place = |place: PlaceXml| match place {
        PlaceXml { file: Some(path), .. } | PlaceXml { dev: Some(path), .. } => Some(path),
        PlaceXml { pool: Some(pool), volume: Some(volume), .. } => Some(format!("{pool}/{volume}")),
        PlaceXml { protocol: Some(protocol), name, .. } => {
            Some(format!("{protocol}:{}", name.unwrap_or_default()))
        }
        _ => None,
    };
    let disk = |disk: DiskXml| SeenDisk {
        target: disk.target.map(|target| target.dev).unwrap_or_default(),
        kind: disk.device.unwrap_or_else(|| "disk".to_owned()),
        source: disk.source.and_then(place),
        format: disk.driver.and_then(|driver| driver.format).unwrap_or_else(|| "raw".to_owned()),
        capacity: None,
    };
    let nic = |nic: InterfaceXml| {
        let mac = nic.mac?.address.to_lowercase();
        let link = nic.source.and_then(|it| it.network.or(it.bridge).or(it.dev));
        Some(SeenNic { mac, kind: nic.kind.unwrap_or_default(), link })
    };
    let cards = domain.devices.interface.into_iter();
    Ok(SeenParts {
        disks: domain.devices.disk.into_iter().map(disk).collect(),
        nics: cards.filter(|nic| nic.kind.as_deref() != Some("hostdev")).filter_map(nic).collect(),
        persistent: false,
    })
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

    #[test]
    fn disks_and_cards_are_found_wherever_they_lie() {
        let text = r#"<domain type='kvm'><name>a</name><uuid>00000000-0000-0000-0000-000000000033</uuid><devices>
            <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/x.qcow2' index='1'/>
              <backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>
              <target dev='vda' bus='virtio'/></disk>
            <disk type='block' device='disk'><source dev='/dev/sdb'/><target dev='vdb'/></disk>
            <disk type='volume'><source pool='p' volume='v'/><target dev='vdc'/></disk>
            <disk type='network'><source protocol='rbd' name='pool/image'><host name='h'/></source><target dev='vdd'/></disk>
            <disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>
            <interface type='network'><mac address='52:54:00:AA:00:01'/><source network='default' portid='x' bridge='virbr0'/></interface>
            <interface type='bridge'><mac address='52:54:00:aa:00:02'/><source bridge='br0'/></interface>
            <interface type='user'><mac address='52:54:00:aa:00:03'/></interface>
            <interface type='hostdev'><mac address='52:54:00:aa:00:04'/><source>
              <address type='pci' domain='0x0' bus='0x21' slot='0x10' function='0x1'/></source></interface>
          </devices></domain>"#;
        let parts = read_parts(text).unwrap();
        let disk = |disk: &SeenDisk| {
            let source = disk.source.as_deref().unwrap_or("-");
            format!("{} {} {source} {}", disk.target, disk.kind, disk.format)
        };
        let disks: Vec<String> = parts.disks.iter().map(disk).collect();
        assert_eq!(
            disks,
            [
                "vda disk /x.qcow2 qcow2",
                "vdb disk /dev/sdb raw",
                "vdc disk p/v raw",
                "vdd disk rbd:pool/image raw",
                "sda cdrom - raw"
            ]
        );
        let nic = |nic: &SeenNic| format!("{} {} {:?}", nic.mac, nic.kind, nic.link);
        let nics: Vec<String> = parts.nics.iter().map(nic).collect();
        assert_eq!(
            nics,
            [
                r#"52:54:00:aa:00:01 network Some("default")"#,
                r#"52:54:00:aa:00:02 bridge Some("br0")"#,
                "52:54:00:aa:00:03 user None"
            ]
        );
    }
}
