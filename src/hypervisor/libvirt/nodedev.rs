//! Node devices: what is plugged in, and slices that are made on demand.

use super::{
    fault::{Fault, is, unless_missing, unsupported},
    line::Session,
    xml::{self, Node},
};
use crate::domain::{gpu::PciAddress, machine::*};
use std::collections::HashMap;
use uuid::Uuid;
use virt::{error::ErrorNumber, nodedev::NodeDevice, sys};

/// Only capability flags: the test driver refuses the others, and the list is the same.
const KINDS: u32 =
    sys::VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV | sys::VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV;

/// Everything plugged in. `creates`: whether mediated devices can be made here at all.
pub(super) fn list(session: &Session, creates: bool) -> Result<SeenDevices, Fault> {
    let mut functions: Vec<(SeenFunction, String)> = Vec::new();
    let mut mdevs = Vec::new();
    for device in session.connect.list_all_node_devices(KINDS)? {
        let Some(text) = unless_missing(device.xml_desc(0), ErrorNumber::NoNodeDevice)? else {
            continue; // unplugged since the list was made
        };
        match xml::read_node(&text).map_err(Fault::Strange)? {
            Some(Node::Function(function, parent)) => functions.push((*function, parent)),
            Some(Node::Mdev(mdev)) => mdevs.push(mdev),
            None => {}
        }
    }
    let parents: HashMap<String, String> = functions
        .iter()
        .map(|(function, parent)| (function.address.node_device(), parent.clone()))
        .collect();
    let mut functions: Vec<SeenFunction> = functions
        .into_iter()
        .map(|(function, parent)| SeenFunction { parents: chain(&parents, parent), ..function })
        .collect();
    // the order of libvirt's list is that of a hash table
    functions.sort_by_key(|function| function.address);
    mdevs.sort_by_key(|mdev| mdev.uuid);
    Ok(SeenDevices { functions, mdevs, can_create_mdevs: creates })
}

fn chain(parents: &HashMap<String, String>, first: String) -> Vec<PciAddress> {
    let mut chain = Vec::new();
    let mut next = Some(first);
    while let Some(name) = next
        && let Some(address) = xml::address_of(&name)
        && chain.len() < 32
    {
        chain.push(address);
        next = parents.get(&name).cloned();
    }
    chain
}

/// One function as it is now.
pub(super) fn function(
    session: &Session,
    address: PciAddress,
) -> Result<Option<SeenFunction>, Fault> {
    let Some(device) = lookup(session, address)? else { return Ok(None) };
    let text = unless_missing(device.xml_desc(0), ErrorNumber::NoNodeDevice)?;
    match text.map(|text| xml::read_node(&text).map_err(Fault::Strange)).transpose()?.flatten() {
        Some(Node::Function(function, _)) => Ok(Some(*function)),
        _ => Ok(None),
    }
}

fn lookup(session: &Session, address: PciAddress) -> Result<Option<NodeDevice>, Fault> {
    let found = session.connect.lookup_node_device_by_name(&address.node_device());
    unless_missing(found, ErrorNumber::NoNodeDevice)
}

fn mdev(session: &Session, uuid: Uuid) -> Result<Option<NodeDevice>, Fault> {
    let kind = sys::VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV;
    for device in session.connect.list_all_node_devices(kind)? {
        let Some(text) = unless_missing(device.xml_desc(0), ErrorNumber::NoNodeDevice)? else {
            continue;
        };
        match xml::read_node(&text).map_err(Fault::Strange)? {
            Some(Node::Mdev(seen)) if seen.uuid == uuid => return Ok(Some(device)),
            _ => {}
        }
    }
    Ok(None)
}

/// Whether the mediated device exists.
pub(super) fn mdev_exists(session: &Session, uuid: Uuid) -> Result<bool, Fault> {
    Ok(mdev(session, uuid)?.is_some())
}

/// Every slice exists; those that are made on demand are made, where the host can: `creates`.
pub(super) fn make_slices(
    session: &Session,
    devices: &[DeviceRef],
    creates: bool,
) -> Result<(), Fault> {
    for device in devices {
        let DeviceRef::Mdev { uuid, parent, mdev_type, on_demand } = device else { continue };
        if mdev(session, *uuid)?.is_some() {
            continue;
        }
        if !on_demand {
            return Err(Fault::Refused(format!("mediated device {uuid} does not exist")));
        }
        let impossible = |why: &str| {
            let what = format!("{mdev_type} on {parent} must be made beforehand");
            Fault::Refused(format!("mediated devices cannot be created here: {what} ({why})"))
        };
        if !creates {
            return Err(impossible("a simulated host"));
        }
        let text = xml::new_mdev(*parent, mdev_type, *uuid);
        match session.connect.create_node_device_xml(&text, 0) {
            Ok(_) => {}
            Err(error) if unsupported(&error) => return Err(impossible(error.message())),
            // another server may have made it in between
            Err(error) if mdev(session, *uuid)?.is_none() => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(())
}

/// The mediated device does not exist.
pub(super) fn remove_slice(session: &Session, uuid: Uuid) -> Result<(), Fault> {
    let Some(device) = mdev(session, uuid)? else { return Ok(()) };
    match device.destroy() {
        Err(error) if is(&error, ErrorNumber::NoNodeDevice) => Ok(()),
        other => Ok(other?),
    }
}

/// Takes the function from the host's driver and gives it to vfio.
pub(super) fn detach(session: &Session, address: PciAddress) -> Result<(), Fault> {
    match lookup(session, address)? {
        Some(device) => Ok(device.detach_flags(Some("vfio"), 0)?),
        None => Ok(()),
    }
}

/// Takes the function from vfio and gives it back to the host's driver.
pub(super) fn reattach(session: &Session, address: PciAddress) -> Result<(), Fault> {
    match lookup(session, address)? {
        Some(device) => Ok(device.reattach()?),
        None => Ok(()),
    }
}

/// Resets the function by libvirt, which refuses while a domain uses it.
pub(super) fn reset(session: &Session, address: PciAddress) -> Result<(), Fault> {
    match lookup(session, address)? {
        Some(device) => Ok(device.reset()?),
        None => Ok(()),
    }
}
