//! `<device>`: node devices as a host shows them, and the one kind we create (mediated devices).

use super::{AddressXml, read, writer::Xml};
use crate::domain::{gpu::PciAddress, machine::*};
use serde::Deserialize;
use uuid::Uuid;

/// One node device that matters here.
#[derive(Debug)]
pub(in crate::hypervisor::libvirt) enum Node {
    /// A PCI function with the name of its parent device; the chain of parents is filled in by the caller.
    Function(Box<SeenFunction>, String),
    /// A mediated device on a PCI function.
    Mdev(SeenMdev),
}

#[derive(Deserialize)]
struct DeviceXml {
    name: String,
    parent: Option<String>,
    driver: Option<DriverXml>,
    #[serde(rename = "capability", default)]
    capabilities: Vec<CapabilityXml>,
}
#[derive(Deserialize)]
struct DriverXml {
    name: Option<String>,
}
#[derive(Deserialize)]
struct CapabilityXml {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(rename = "@maxCount")]
    most: Option<u32>,
    class: Option<String>,
    domain: Option<u32>,
    bus: Option<u8>,
    slot: Option<u8>,
    function: Option<u8>,
    product: Option<NamedXml>,
    vendor: Option<NamedXml>,
    #[serde(rename = "capability", default)]
    inner: Vec<Self>,
    #[serde(rename = "type", default)]
    types: Vec<TypeXml>,
    #[serde(rename = "iommuGroup")]
    group: Option<GroupXml>,
    numa: Option<NumaXml>,
    #[serde(rename = "pci-express")]
    express: Option<ExpressXml>,
    uuid: Option<Uuid>,
    parent_addr: Option<String>,
    #[serde(rename = "address", default)]
    addresses: Vec<AddressXml>,
}
#[derive(Deserialize)]
struct NamedXml {
    #[serde(rename = "@id")]
    id: Option<String>,
    #[serde(rename = "$text")]
    text: Option<String>,
}
#[derive(Deserialize)]
struct GroupXml {
    #[serde(rename = "@number")]
    number: u32,
    #[serde(rename = "address", default)]
    addresses: Vec<AddressXml>,
}
#[derive(Deserialize)]
struct NumaXml {
    #[serde(rename = "@node")]
    node: i64,
}
#[derive(Deserialize)]
struct TypeXml {
    #[serde(rename = "@id")]
    id: String,
    name: Option<String>,
    #[serde(rename = "availableInstances")]
    available: Option<u32>,
}
#[derive(Deserialize)]
struct ExpressXml {
    #[serde(rename = "link", default)]
    links: Vec<LinkXml>,
}
#[derive(Deserialize)]
struct LinkXml {
    #[serde(rename = "@validity")]
    validity: String,
    #[serde(rename = "@speed")]
    speed: Option<f64>,
    #[serde(rename = "@width")]
    width: Option<u32>,
}

/// Reads a node device; `None`: a kind that does not matter here.
pub(in crate::hypervisor::libvirt) fn read_node(text: &str) -> Result<Option<Node>, String> {
    let device: DeviceXml = read("node device", text)?;
    let DeviceXml { name, parent, driver, capabilities } = device;
    let parent = parent.unwrap_or_default();
    for capability in capabilities {
        match capability.kind.as_str() {
            "pci" => {
                let function = function(&name, driver.and_then(|d| d.name), &capability)?;
                return Ok(Some(Node::Function(Box::new(function), parent)));
            }
            "mdev" => return Ok(mdev(&name, &parent, &capability).map(Node::Mdev)),
            _ => {}
        }
    }
    Ok(None)
}

fn function(
    name: &str,
    driver: Option<String>,
    pci: &CapabilityXml,
) -> Result<SeenFunction, String> {
    let (Some(bus), Some(slot), Some(function)) = (pci.bus, pci.slot, pci.function) else {
        return Err(format!("node device {name} has no PCI address"));
    };
    let inner = |kind: &str| pci.inner.iter().find(|capability| capability.kind == kind);
    let addresses =
        |list: &[AddressXml]| list.iter().filter_map(AddressXml::pci).collect::<Vec<_>>();
    let virtuals = inner("virt_functions");
    let types = inner("mdev_types").map(|capability| capability.types.as_slice());
    let mdev_types = types.unwrap_or_default().iter().map(|kind| MdevType {
        id: kind.id.clone(),
        name: kind.name.clone().unwrap_or_else(|| kind.id.clone()),
        available: kind.available.unwrap_or(0),
    });
    let group = pci.group.as_ref();
    Ok(SeenFunction {
        address: PciAddress { domain: pci.domain.unwrap_or(0), bus, slot, function },
        class: (hex(pci.class.as_deref()).unwrap_or(0) >> 8) as u16,
        vendor_id: named_id(pci.vendor.as_ref()),
        device_id: named_id(pci.product.as_ref()),
        vendor: named_text(pci.vendor.as_ref()),
        product: named_text(pci.product.as_ref()),
        driver,
        numa_node: pci.numa.as_ref().and_then(|numa| u32::try_from(numa.node).ok()),
        iommu_group: group.map(|group| group.number),
        group_members: group.map(|group| addresses(&group.addresses)).unwrap_or_default(),
        parents: Vec::new(),
        physical: inner("phys_function").and_then(|c| addresses(&c.addresses).first().copied()),
        virtual_functions: virtuals.map(|c| addresses(&c.addresses)).unwrap_or_default(),
        max_virtual_functions: virtuals.and_then(|c| c.most).unwrap_or(0),
        mdev_types: mdev_types.collect(),
        link: pci.express.as_ref().and_then(|express| {
            let link = |kind: &str| {
                let link = express.links.iter().find(|link| link.validity == kind)?;
                // a link that is down has no speed
                Some(((link.speed.unwrap_or(0.0) * 10.0).round() as u32, link.width.unwrap_or(0)))
            };
            Some((link("cap")?, link("sta")?))
        }),
    })
}

/// libvirt before 7.3 has no `<uuid>` and `<parent_addr>`: the names of the device and of its parent tell both.
fn mdev(name: &str, parent: &str, mdev: &CapabilityXml) -> Option<SeenMdev> {
    let from_name = || {
        let text = name.strip_prefix("mdev_")?.get(..36)?;
        Uuid::try_parse(&text.replace('_', "-")).ok()
    };
    let address = mdev.parent_addr.as_deref().and_then(|text| text.parse().ok());
    Some(SeenMdev {
        uuid: mdev.uuid.or_else(from_name)?,
        parent: address.or_else(|| address_of(parent))?,
        type_id: mdev.types.first()?.id.clone(),
        iommu_group: mdev.group.as_ref().map(|group| group.number),
    })
}

/// The address that a node device's name tells: `pci_0000_3b_00_0`.
pub(in crate::hypervisor::libvirt) fn address_of(name: &str) -> Option<PciAddress> {
    let parts: Vec<&str> = name.strip_prefix("pci_")?.split('_').collect();
    let [domain, bus, slot, function] = parts.as_slice() else { return None };
    format!("{domain}:{bus}:{slot}.{function}").parse().ok()
}

fn hex(text: Option<&str>) -> Option<u32> {
    u32::from_str_radix(text?.trim().strip_prefix("0x")?, 16).ok()
}

fn named_id(named: Option<&NamedXml>) -> u16 {
    hex(named.and_then(|named| named.id.as_deref())).unwrap_or(0) as u16
}

fn named_text(named: Option<&NamedXml>) -> String {
    named.and_then(|named| named.text.clone()).unwrap_or_default()
}

/// A mediated device to create.
pub(in crate::hypervisor::libvirt) fn new_mdev(
    parent: PciAddress,
    type_id: &str,
    uuid: Uuid,
) -> String {
    Xml::document("device", &[], |x| {
        x.text("parent", &[], &parent.node_device());
        x.nest("capability", &[("type", "mdev")], |x| {
            x.leaf("type", &[("id", type_id)]);
            x.text("uuid", &[], &uuid.to_string());
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (SeenFunction, String) {
        match read_node(text).unwrap() {
            Some(Node::Function(function, parent)) => (*function, parent),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_function_with_slices_is_understood() {
        let (vf, parent) = seen(include_str!("golden/seen_vf_with_mdev_types.xml"));
        assert_eq!(parent, "pci_0000_63_00_0");
        assert_eq!(vf.address.to_string(), "0000:63:00.4");
        assert_eq!((vf.class, vf.vendor_id, vf.device_id), (0x0302, 0x10de, 0x25b6));
        assert_eq!(vf.physical.unwrap().to_string(), "0000:63:00.0");
        assert_eq!(vf.mdev_types.len(), 2);
        assert_eq!(
            (vf.mdev_types[1].name.as_str(), vf.mdev_types[1].available),
            ("NVIDIA A16-2B", 1)
        );
        assert_eq!((vf.numa_node, vf.iommu_group, vf.link), (None, Some(61), None));
    }

    #[test]
    fn a_physical_function_and_its_degraded_link_are_understood() {
        let (pf, _) = seen(include_str!("golden/seen_pf.xml"));
        assert_eq!(pf.address.to_string(), "0001:81:00.0");
        assert_eq!((pf.virtual_functions.len(), pf.max_virtual_functions), (2, 16));
        assert_eq!(pf.group_members.len(), 2);
        assert_eq!(pf.link, Some(((160, 16), (25, 8))));
        assert_eq!((pf.driver.as_deref(), pf.numa_node), (Some("nvidia"), Some(1)));
    }

    #[test]
    fn mediated_devices_of_old_and_new_libvirt_are_understood() {
        let new = "<device><name>mdev_b155147a_663a_4009_ae7f_e9a96805b3ce_0000_63_00_4</name>\
            <parent>pci_0000_63_00_4</parent><driver><name>vfio_mdev</name></driver>\
            <capability type='mdev'><type id='nvidia-701'/><uuid>b155147a-663a-4009-ae7f-e9a96805b3ce</uuid>\
            <parent_addr>0000:63:00.4</parent_addr><iommuGroup number='62'/></capability></device>";
        let old = "<device><name>mdev_b155147a_663a_4009_ae7f_e9a96805b3ce</name>\
            <parent>pci_0000_63_00_4</parent><capability type='mdev'><type id='nvidia-701'/>\
            <iommuGroup number='62'/></capability></device>";
        for text in [new, old] {
            let Some(Node::Mdev(mdev)) = read_node(text).unwrap() else { panic!("{text}") };
            assert_eq!(mdev.uuid.to_string(), "b155147a-663a-4009-ae7f-e9a96805b3ce");
            assert_eq!(mdev.parent.to_string(), "0000:63:00.4");
            assert_eq!((mdev.type_id.as_str(), mdev.iommu_group), ("nvidia-701", Some(62)));
        }
        let on_no_pci = "<device><name>mdev_b155147a_663a_4009_ae7f_e9a96805b3ce</name>\
            <parent>computer</parent><capability type='mdev'><type id='mtty-1'/></capability></device>";
        assert!(read_node(on_no_pci).unwrap().is_none());
    }

    #[test]
    fn the_computer_itself_is_no_device() {
        let text = "<device><name>computer</name><capability type='system'><product>x</product>\
            <hardware><vendor>y</vendor></hardware></capability></device>";
        assert!(read_node(text).unwrap().is_none());
    }

    #[test]
    fn a_new_slice_has_its_document() {
        let parent = "0001:63:00.4".parse().unwrap();
        super::super::golden("mdev_new.xml", &new_mdev(parent, "nvidia-701", Uuid::from_u128(1)));
    }
}
