//! Small builders for the tests of this room.

use super::{
    PciAddress,
    inventory::observe,
    observed::{CardFacts, Inventory},
    readiness::HostConditions,
    rules::Rules,
};
use crate::domain::machine::{MdevType, SeenDevices, SeenFunction, SeenMdev};
use uuid::Uuid;

pub(super) fn at(text: &str) -> PciAddress {
    text.parse().unwrap()
}

/// A function alone in a group of its own.
pub(super) fn function(address: &str, class: u16, vendor_id: u16, device_id: u16) -> SeenFunction {
    let address = at(address);
    SeenFunction {
        address,
        class,
        vendor_id,
        device_id,
        vendor: format!("Vendor {vendor_id:04x}"),
        product: format!("Product {device_id:04x}"),
        driver: Some("vfio-pci".into()),
        numa_node: Some(0),
        iommu_group: Some(u32::from(address.bus) * 8 + u32::from(address.function)),
        group_members: vec![address],
        parents: vec![at("00:01.0")],
        physical: None,
        virtual_functions: vec![],
        max_virtual_functions: 0,
        mdev_types: vec![],
        link: None,
    }
}

pub(super) fn a100(address: &str) -> SeenFunction {
    function(address, 0x0302, 0x10de, 0x20b2)
}

/// Makes the functions share one IOMMU group.
pub(super) fn share_group(functions: &mut [SeenFunction]) {
    let members: Vec<PciAddress> = functions.iter().map(|f| f.address).collect();
    for function in functions {
        function.iommu_group = Some(99);
        function.group_members = members.clone();
    }
}

pub(super) fn mdev_type(id: &str, name: &str, available: u32) -> MdevType {
    MdevType { id: id.into(), name: name.into(), available }
}

pub(super) fn mdev(number: u128, parent: &str, type_id: &str) -> SeenMdev {
    SeenMdev {
        uuid: Uuid::from_u128(number),
        parent: at(parent),
        type_id: type_id.into(),
        iommu_group: Some(200),
    }
}

pub(super) fn card(vendor_id: u16, device_id: u16) -> CardFacts {
    super::inventory::card_facts(&function("01:00.0", 0x0302, vendor_id, device_id))
}

/// An A16's GPU with two virtual functions that carry mediated devices.
pub(super) fn a16(available: u32) -> Vec<SeenFunction> {
    let mut physical = function("63:00.0", 0x0302, 0x10de, 0x25b6);
    physical.driver = Some("nvidia".into());
    let mut all = vec![physical];
    for address in ["63:00.4", "63:00.5"] {
        let mut part = function(address, 0x0302, 0x10de, 0x25b6);
        part.physical = Some(at("63:00.0"));
        part.parents = vec![at("63:00.0"), at("60:01.0")];
        part.mdev_types = vec![
            mdev_type("nvidia-699", "NVIDIA A16-1Q", available),
            mdev_type("nvidia-703", "NVIDIA A16-16Q", available),
        ];
        all[0].virtual_functions.push(part.address);
        all.push(part);
    }
    all
}

pub(super) fn seen(functions: Vec<SeenFunction>, mdevs: Vec<SeenMdev>) -> SeenDevices {
    SeenDevices { functions, mdevs, can_create_mdevs: true }
}

pub(super) fn look(seen: &SeenDevices) -> Inventory {
    observe(seen, &Rules::default(), HostConditions { iommu: true, is_test: false })
}
