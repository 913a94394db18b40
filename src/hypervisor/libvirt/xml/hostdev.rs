//! `<hostdev>`: GPUs and their companions, each GPU on a PCIe port of its own in the guest.
//!
//! A guest of one NUMA node has the ports at its root: bus 1, 2, .. in the order of the devices, so that it finds its
//! GPUs at the same addresses at every start. A guest of several has an expander bus for each node, and the ports below
//! the one of their node: that is how a guest learns where a device is. The functions of one group keep to one slot of
//! one port, as they do on the host. `display` and `ramfb` are documented for mediated devices only, and make sense on
//! one device of a guest.

use super::writer::Xml;
use crate::domain::{
    gpu::PciAddress,
    machine::{Bytes, DeviceRef, shape::Shape},
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What sits on one function of one port of the guest.
enum Plug {
    Pci(PciAddress),
    Mdev(Uuid),
}

/// A port with up to eight functions.
struct Port {
    plugs: Vec<Plug>,
    /// The cell whose expander it is below; `None`: it is at the root.
    cell: Option<usize>,
}

/// The ports of a guest.
pub(super) struct Ports {
    ports: Vec<Port>,
    cells: usize,
}

impl Ports {
    /// Places the devices. A function named twice (a group that holds several GPUs) is placed once.
    pub(super) fn of(devices: &[DeviceRef], shape: &Shape) -> Self {
        let mut seen = BTreeSet::new();
        let mut ports = Vec::new();
        for (index, device) in devices.iter().enumerate() {
            let cell = shape.below.get(index).copied().flatten();
            match device {
                DeviceRef::Mdev { uuid, .. } => {
                    ports.push(Port { plugs: vec![Plug::Mdev(*uuid)], cell });
                }
                DeviceRef::Pci { address, companions } => {
                    let mut functions = std::iter::once(address).chain(companions);
                    let mut fresh: Vec<Plug> = functions
                        .by_ref()
                        .filter(|function| seen.insert(**function))
                        .map(|function| Plug::Pci(*function))
                        .collect();
                    while !fresh.is_empty() {
                        let rest = fresh.split_off(fresh.len().min(8));
                        ports.push(Port { plugs: fresh, cell });
                        fresh = rest;
                    }
                }
            }
        }
        Self { ports, cells: shape.cells.len() }
    }

    /// The controllers: the root with its window for large BARs, an expander for each cell, one port per device.
    pub(super) fn controllers(&self, x: &mut Xml, window: Option<Bytes>) {
        if self.ports.is_empty() {
            return;
        }
        let root = [("type", "pci"), ("index", "0"), ("model", "pcie-root")];
        match window {
            None => x.leaf("controller", &root),
            Some(size) => x.nest("controller", &root, |x| {
                x.text("pcihole64", &[("unit", "KiB")], &(size >> 10).to_string());
            }),
        }
        for cell in 0..self.cells {
            self.expander(x, cell);
        }
        let mut slots = vec![0; self.cells];
        for (position, port) in self.ports.iter().enumerate() {
            let index = self.index(position).to_string();
            let attrs = [("type", "pci"), ("index", &*index), ("model", "pcie-root-port")];
            let Some(cell) = port.cell else {
                x.leaf("controller", &attrs);
                continue;
            };
            let (bus, slot) = (format!("0x{:02x}", cell + 1), slots[cell]);
            slots[cell] += 1;
            // eight functions a slot: an expander has 32 slots, and more devices than that there may be
            let (slot, function) = (format!("0x{:02x}", slot / 8), format!("0x{:x}", slot % 8));
            let address = [
                ("type", "pci"),
                ("domain", "0x0000"),
                ("bus", &*bus),
                ("slot", &*slot),
                ("function", &*function),
                ("multifunction", "on"),
            ];
            let all = if function == "0x0" { 6 } else { 5 };
            x.nest("controller", &attrs, |x| x.leaf("address", &address[..all]));
        }
    }

    /// A root bus of its own that belongs to a cell. Bus numbers are given out from the top, one for the expander and
    /// one for each port below it; what is left below is the root's.
    fn expander(&self, x: &mut Xml, cell: usize) {
        let above = |port: &&Port| port.cell.is_some_and(|other| other >= cell);
        let taken = self.ports.iter().filter(above).count() + self.cells - cell;
        let (index, number) = ((cell + 1).to_string(), 256_usize.saturating_sub(taken).to_string());
        let attrs = [("type", "pci"), ("index", &*index), ("model", "pcie-expander-bus")];
        x.nest("controller", &attrs, |x| {
            x.nest("target", &[("busNr", &number)], |x| x.text("node", &[], &cell.to_string()));
        });
    }

    /// The controller's number of a port, which is also its bus in the definition.
    fn index(&self, position: usize) -> usize {
        self.cells + position + 1
    }

    /// The devices. `display`: the first mediated device shows one.
    pub(super) fn hostdevs(&self, x: &mut Xml, display: bool) {
        for (position, port) in self.ports.iter().enumerate() {
            for (function, plug) in port.plugs.iter().enumerate() {
                let bus = self.index(position);
                let place = Place { bus, function, more: port.plugs.len() > 1 };
                match plug {
                    Plug::Pci(address) => pci(x, *address, &place),
                    Plug::Mdev(uuid) => mdev(x, *uuid, display && position == 0, &place),
                }
            }
        }
    }
}

/// Where a device sits in the guest.
struct Place {
    bus: usize,
    function: usize,
    more: bool,
}

impl Place {
    fn write(&self, x: &mut Xml) {
        let (bus, function) = (format!("0x{:02x}", self.bus), format!("0x{:x}", self.function));
        let all = [
            ("type", "pci"),
            ("domain", "0x0000"),
            ("bus", &bus),
            ("slot", "0x00"),
            ("function", &function),
            ("multifunction", "on"),
        ];
        x.leaf("address", &all[..if self.more && self.function == 0 { 6 } else { 5 }]);
    }
}

fn pci(x: &mut Xml, address: PciAddress, place: &Place) {
    x.nest("hostdev", &[("mode", "subsystem"), ("type", "pci"), ("managed", "yes")], |x| {
        x.leaf("driver", &[("name", "vfio")]);
        x.nest("source", &[], |x| {
            x.leaf(
                "address",
                &[
                    ("domain", &format!("0x{:04x}", address.domain)),
                    ("bus", &format!("0x{:02x}", address.bus)),
                    ("slot", &format!("0x{:02x}", address.slot)),
                    ("function", &format!("0x{:x}", address.function)),
                ],
            );
        });
        place.write(x);
    });
}

fn mdev(x: &mut Xml, uuid: Uuid, display: bool, place: &Place) {
    let attrs = [
        ("mode", "subsystem"),
        ("type", "mdev"),
        ("managed", "no"),
        ("model", "vfio-pci"),
        ("display", if display { "on" } else { "off" }),
        ("ramfb", "on"),
    ];
    x.nest("hostdev", &attrs[..if display { 6 } else { 5 }], |x| {
        x.nest("source", &[], |x| x.leaf("address", &[("uuid", &uuid.to_string())]));
        place.write(x);
    });
}

/// Whether the first device is one that can show a display.
pub(super) fn shows_display(devices: &[DeviceRef], display: bool) -> bool {
    display && matches!(devices.first(), Some(DeviceRef::Mdev { .. }))
}
