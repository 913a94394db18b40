//! `<hostdev>`: GPUs and their companions, each GPU on a PCIe root port of its own in the guest.
//!
//! Root ports are bus 1, 2, .. in the order of the devices, so that a guest finds its GPUs at the same addresses at
//! every start. The functions of one group keep to one slot of one port, as they do on the host. `display` and
//! `ramfb` are documented for mediated devices only, and make sense on one device of a guest.

use super::writer::Xml;
use crate::domain::{gpu::PciAddress, machine::DeviceRef};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What sits on one function of one root port of the guest.
enum Plug {
    Pci(PciAddress),
    Mdev(Uuid),
}

/// The root ports of a guest, each with up to eight functions.
pub(super) struct Ports(Vec<Vec<Plug>>);

impl Ports {
    /// Places the devices. A function named twice (a group that holds several GPUs) is placed once.
    pub(super) fn of(devices: &[DeviceRef]) -> Self {
        let mut seen = BTreeSet::new();
        let mut ports = Vec::new();
        for device in devices {
            match device {
                DeviceRef::Mdev { uuid, .. } => ports.push(vec![Plug::Mdev(*uuid)]),
                DeviceRef::Pci { address, companions } => {
                    let mut functions = std::iter::once(address).chain(companions);
                    let mut fresh: Vec<Plug> = functions
                        .by_ref()
                        .filter(|function| seen.insert(**function))
                        .map(|function| Plug::Pci(*function))
                        .collect();
                    while fresh.len() > 8 {
                        let rest = fresh.split_off(8);
                        ports.push(fresh);
                        fresh = rest;
                    }
                    if !fresh.is_empty() {
                        ports.push(fresh);
                    }
                }
            }
        }
        Self(ports)
    }

    /// The controllers: the root with its window for large BARs (in KiB), one port per device.
    pub(super) fn controllers(&self, x: &mut Xml, window: Option<u64>) {
        if self.0.is_empty() {
            return;
        }
        let root = [("type", "pci"), ("index", "0"), ("model", "pcie-root")];
        match window {
            None => x.leaf("controller", &root),
            Some(kib) => x.nest("controller", &root, |x| {
                x.text("pcihole64", &[("unit", "KiB")], &kib.to_string());
            }),
        }
        for port in 1..=self.0.len() {
            let index = port.to_string();
            x.leaf(
                "controller",
                &[("type", "pci"), ("index", &index), ("model", "pcie-root-port")],
            );
        }
    }

    /// The devices. `display`: the first mediated device shows one.
    pub(super) fn hostdevs(&self, x: &mut Xml, display: bool) {
        for (index, port) in self.0.iter().enumerate() {
            for (function, plug) in port.iter().enumerate() {
                let place = Place { bus: index + 1, function, more: port.len() > 1 };
                match plug {
                    Plug::Pci(address) => pci(x, *address, &place),
                    Plug::Mdev(uuid) => mdev(x, *uuid, display && index == 0, &place),
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
