//! A host file of libvirt's test driver: a simulated host with GPUs on two NUMA nodes.

use super::writer::Xml;
use crate::domain::gpu::PciAddress;
use uuid::Uuid;

/// A card model of the simulator.
pub(in crate::hypervisor::libvirt) struct Model {
    pub(in crate::hypervisor::libvirt) vendor: (u16, &'static str),
    pub(in crate::hypervisor::libvirt) product: (u16, &'static str),
    pub(in crate::hypervisor::libvirt) class: u32,
    pub(in crate::hypervisor::libvirt) driver: &'static str,
}

/// The file's content. `identity` is told as the machine's UUID and serial.
pub(in crate::hypervisor::libvirt) fn simulator(
    name: &str,
    identity: Uuid,
    model: &Model,
    gpus: u8,
) -> String {
    Xml::document("node", &[], |x| {
        x.nest("cpu", &[], |x| {
            let size = [("nodes", "2"), ("sockets", "1"), ("cores", "32"), ("threads", "2")];
            for (key, value) in size.into_iter().chain([("mhz", "2450"), ("model", "x86_64")]) {
                x.text(key, &[], value);
            }
        });
        x.text("memory", &[], &(1024_u64 << 20).to_string()); // KiB: 1 TiB
        x.nest("network", &[], |x| {
            x.text("name", &[], "cloudbr0");
            x.leaf("forward", &[("mode", "bridge")]);
            x.leaf("bridge", &[("name", "cloudbr0")]);
        });
        computer(x, name, identity);
        for index in 0..gpus {
            let node = if index < gpus.div_ceil(2) { 0 } else { 1 };
            let address = PciAddress { domain: 0, bus: 0x10 + index * 8, slot: 0, function: 0 };
            gpu(x, address, model, 20 + u32::from(index), node);
        }
    })
}

fn computer(x: &mut Xml, name: &str, identity: Uuid) {
    x.nest("device", &[], |x| {
        x.text("name", &[], "computer");
        x.nest("capability", &[("type", "system")], |x| {
            x.text("product", &[], "Simulated GPU host");
            x.nest("hardware", &[], |x| {
                x.text("vendor", &[], "csgpu");
                x.text("version", &[], "1");
                x.text("serial", &[], name);
                x.text("uuid", &[], &identity.to_string());
            });
            x.nest("firmware", &[], |x| {
                x.text("vendor", &[], "csgpu");
                x.text("version", &[], "1");
                x.text("release_date", &[], "01/01/2026");
            });
        });
    });
}

fn gpu(x: &mut Xml, address: PciAddress, model: &Model, group: u32, node: u32) {
    x.nest("device", &[], |x| {
        x.text("name", &[], &address.node_device());
        x.text("path", &[], &format!("/sys/devices/pci0000:{:02x}/{address}", address.bus));
        x.text("parent", &[], "computer");
        x.nest("driver", &[], |x| x.text("name", &[], model.driver));
        x.nest("capability", &[("type", "pci")], |x| {
            x.text("class", &[], &format!("0x{:06x}", model.class));
            x.text("domain", &[], &address.domain.to_string());
            x.text("bus", &[], &address.bus.to_string());
            x.text("slot", &[], &address.slot.to_string());
            x.text("function", &[], &address.function.to_string());
            x.text("product", &[("id", &format!("0x{:04x}", model.product.0))], model.product.1);
            x.text("vendor", &[("id", &format!("0x{:04x}", model.vendor.0))], model.vendor.1);
            x.nest("iommuGroup", &[("number", &group.to_string())], |x| {
                let bus = format!("0x{:02x}", address.bus);
                let place = [("domain", "0x0000"), ("bus", &bus), ("slot", "0x00")];
                x.leaf("address", &[place[0], place[1], place[2], ("function", "0x0")]);
            });
            x.leaf("numa", &[("node", &node.to_string())]);
            x.nest("pci-express", &[], |x| {
                x.leaf(
                    "link",
                    &[("validity", "cap"), ("port", "0"), ("speed", "16"), ("width", "16")],
                );
                x.leaf("link", &[("validity", "sta"), ("speed", "16"), ("width", "16")]);
            });
        });
    });
}
