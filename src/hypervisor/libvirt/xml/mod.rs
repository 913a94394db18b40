//! The only XML in the project: what we ask becomes libvirt's text, libvirt's text becomes what we saw.
//!
//! One file per element. Writers are pure functions over [`writer::Xml`]; each shape has a golden file in `golden/`
//! (run the tests with `UPDATE=1` to rewrite them). Readers take documents recorded from real hosts in their tests.
//! libvirt's documents are never read and written back: what we do not know would vanish.

mod capabilities;
mod disk;
mod domain;
mod foreign;
mod hostdev;
mod interface;
mod memory;
mod named;
#[cfg(test)]
mod nasty;
mod network;
mod nodedev;
mod pool;
mod seen_domain;
mod simulator;
mod volume;
mod writer;

pub(super) use capabilities::{Capabilities, read_capabilities, read_domain_capabilities};
pub(super) use domain::{Ground, domain};
pub(super) use foreign::{check_changed, check_extra, clash};
pub(super) use named::take_devices;
pub(super) use network::{Lease, lease, network, read_leases};
pub(super) use nodedev::{Node, address_of, new_mdev, read_node};
pub(super) use pool::pool;
pub(super) use seen_domain::{read_domain, read_parts};
pub(super) use simulator::{Model, simulator};
pub(super) use volume::volume;

/// Reads a document into a struct; the error names the document, not its content.
fn read<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, String> {
    quick_xml::de::from_str(text).map_err(|error| format!("cannot read {what} XML: {error}"))
}

/// A PCI address as libvirt's four attributes give it.
#[derive(Debug, serde::Deserialize)]
struct AddressXml {
    #[serde(rename = "@domain")]
    domain: Option<String>,
    #[serde(rename = "@bus")]
    bus: Option<String>,
    #[serde(rename = "@slot")]
    slot: Option<String>,
    #[serde(rename = "@function")]
    function: Option<String>,
    #[serde(rename = "@uuid")]
    uuid: Option<uuid::Uuid>,
}

impl AddressXml {
    fn pci(&self) -> Option<crate::domain::gpu::PciAddress> {
        let number = |text: &Option<String>| {
            let text = text.as_deref()?;
            match text.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => text.parse().ok(),
            }
        };
        Some(crate::domain::gpu::PciAddress {
            domain: number(&self.domain).unwrap_or(0),
            bus: u8::try_from(number(&self.bus)?).ok()?,
            slot: u8::try_from(number(&self.slot)?).ok().filter(|slot| *slot < 32)?,
            function: u8::try_from(number(&self.function)?).ok().filter(|f| *f < 8)?,
        })
    }
}

#[cfg(test)]
fn golden(name: &str, xml: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/hypervisor/libvirt/xml/golden")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, xml).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(wanted, xml, "{name} changed; UPDATE=1 rewrites it");
}
