//! `<domain>`: one machine, whole.
//!
//! q35 with a PCIe root port per GPU; the host's CPU where the processor helps, the emulator's best otherwise; disks,
//! network cards and random numbers through virtio; the console on a unix socket of the host only.

use super::{Capabilities, disk, hostdev, interface, memory, writer::Xml};
use crate::domain::machine::MachineSpec;

/// What of the host the definition depends on.
#[derive(Debug, Clone, Default)]
pub(in crate::hypervisor::libvirt) struct Ground {
    /// What the host can do.
    pub(in crate::hypervisor::libvirt) capabilities: Capabilities,
    /// `kvm`, `qemu` or `test`.
    pub(in crate::hypervisor::libvirt) domain_type: String,
    /// The size in KiB of the guest's window for large BARs, where the usual 32 GiB are too small.
    pub(in crate::hypervisor::libvirt) window: Option<u64>,
}

/// The definition of a machine.
pub(in crate::hypervisor::libvirt) fn domain(machine: &MachineSpec, ground: &Ground) -> String {
    Xml::document("domain", &[("type", &ground.domain_type)], |x| {
        x.text("name", &[], &machine.name);
        x.text("uuid", &[], &machine.uuid.to_string());
        memory::memory(x, machine, ground);
        x.nest("os", &[], |x| {
            let arch = match ground.capabilities.arch.as_str() {
                "" => "x86_64",
                arch => arch,
            };
            x.text("type", &[("arch", arch), ("machine", "q35")], "hvm");
        });
        x.nest("features", &[], |x| {
            x.leaf("acpi", &[]);
            x.leaf("apic", &[]);
        });
        cpu(x, ground);
        clock(x);
        x.text("on_poweroff", &[], "destroy");
        x.text("on_reboot", &[], "restart");
        x.text("on_crash", &[], "destroy");
        x.nest("devices", &[], |x| devices(x, machine, ground));
    })
}

fn cpu(x: &mut Xml, ground: &Ground) {
    match ground.domain_type.as_str() {
        "kvm" => {
            x.nest("cpu", &[("mode", "host-passthrough"), ("check", "none")], |x| {
                if ground.window.is_some() {
                    // the guest must be able to address the window
                    x.leaf("maxphysaddr", &[("mode", "passthrough")]);
                }
            });
        }
        "qemu" => x.leaf("cpu", &[("mode", "maximum"), ("check", "none")]),
        _ => {}
    }
}

fn clock(x: &mut Xml) {
    x.nest("clock", &[("offset", "utc")], |x| {
        x.leaf("timer", &[("name", "rtc"), ("tickpolicy", "catchup")]);
        x.leaf("timer", &[("name", "pit"), ("tickpolicy", "delay")]);
        x.leaf("timer", &[("name", "hpet"), ("present", "no")]);
    });
}

fn devices(x: &mut Xml, machine: &MachineSpec, ground: &Ground) {
    let ports = hostdev::Ports::of(&machine.devices);
    ports.controllers(x, ground.window);
    for (index, one) in machine.disks.iter().enumerate() {
        disk::disk(x, index, one);
    }
    if let Some(seed) = &machine.seed {
        disk::seed(x, machine.disks.len(), seed);
    }
    for nic in &machine.nics {
        interface::interface(x, nic);
    }
    x.nest("serial", &[("type", "pty")], |x| x.leaf("target", &[("port", "0")]));
    x.nest("console", &[("type", "pty")], |x| {
        x.leaf("target", &[("type", "serial"), ("port", "0")]);
    });
    x.nest("graphics", &[("type", "vnc")], |x| x.leaf("listen", &[("type", "socket")]));
    let display = hostdev::shows_display(&machine.devices, machine.display);
    x.nest("video", &[], |x| x.leaf("model", &[("type", if display { "none" } else { "vga" })]));
    ports.hostdevs(x, display);
    // memory given to a device stays where it is: a balloon could not take any of it back
    let balloon = if machine.devices.is_empty() { "virtio" } else { "none" };
    x.leaf("memballoon", &[("model", balloon)]);
    x.nest("rng", &[("model", "virtio")], |x| {
        x.text("backend", &[("model", "random")], "/dev/urandom");
    });
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::golden;
    use super::*;
    use crate::domain::machine::*;

    pub(in crate::hypervisor::libvirt) fn machine() -> MachineSpec {
        let volume = |name: &str| VolumeRef { pool: "csgpu".into(), volume: name.into() };
        MachineSpec {
            uuid: uuid::Uuid::from_u128(0x33),
            name: "i-2-33-VM".into(),
            vcpus: 4,
            memory: 8 << 30,
            disks: vec![
                DiskSpec { volume: volume("root-33"), format: "qcow2".into() },
                DiskSpec { volume: volume("data-7"), format: "raw".into() },
            ],
            seed: Some(volume("seed-33")),
            nics: vec![
                NicSpec { mac: "52:54:00:00:00:33".into(), link: NicLink::Network("net1".into()) },
                NicSpec { mac: "52:54:00:00:00:34".into(), link: NicLink::Bridge("br0".into()) },
            ],
            devices: vec![],
            display: false,
            numa_nodes: vec![],
        }
    }

    fn ground(domain_type: &str) -> Ground {
        let nodes = [(0, (0..8).collect()), (1, (8..16).collect())];
        let capabilities = Capabilities {
            arch: "x86_64".into(),
            nodes: nodes.into_iter().collect(),
            ..Capabilities::default()
        };
        Ground { capabilities, domain_type: domain_type.into(), window: None }
    }

    fn pci(address: &str, companions: &[&str]) -> DeviceRef {
        DeviceRef::Pci {
            address: address.parse().unwrap(),
            companions: companions.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn mdev(n: u128) -> DeviceRef {
        DeviceRef::Mdev {
            uuid: uuid::Uuid::from_u128(n),
            parent: "63:00.4".parse().unwrap(),
            mdev_type: "nvidia-701".into(),
            on_demand: true,
        }
    }

    #[test]
    fn each_shape_has_its_document() {
        golden("domain_kvm.xml", &domain(&machine(), &ground("kvm")));
        golden("domain_qemu.xml", &domain(&machine(), &ground("qemu")));
        let whole = MachineSpec {
            devices: vec![pci("07:00.0", &[]), pci("0001:0f:00.0", &["0001:0f:00.1"])],
            numa_nodes: vec![0],
            display: true, // means nothing on a PCI function
            ..machine()
        };
        let large = Ground { window: Some(1 << 30), ..ground("kvm") };
        golden("hostdev_pci.xml", &domain(&whole, &large));
        let slices = MachineSpec { devices: vec![mdev(1), mdev(2)], display: true, ..machine() };
        golden("hostdev_mdev.xml", &domain(&slices, &ground("kvm")));
    }

    #[test]
    fn a_function_named_by_two_devices_is_attached_once() {
        let both =
            vec![pci("07:00.0", &["07:00.1", "08:00.0"]), pci("08:00.0", &["07:00.0", "07:00.1"])];
        let xml = domain(&MachineSpec { devices: both, ..machine() }, &ground("kvm"));
        assert_eq!(xml.matches("<hostdev").count(), 3);
        assert_eq!(xml.matches("pcie-root-port").count(), 1);
    }
}
