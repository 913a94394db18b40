//! `<domain>`: one machine, whole.
//!
//! q35 with a PCIe root port per GPU; the host's CPU where the processor helps, the emulator's best otherwise; disks,
//! network cards and random numbers through virtio; the console on a unix socket of the host only.

use super::{Capabilities, disk, foreign, hostdev, interface, memory, writer::Xml};
use crate::domain::machine::{Firmware, MachineSpec, shape::Shape};

/// What of the host the definition depends on.
#[derive(Debug, Clone, Default)]
pub(in crate::hypervisor::libvirt) struct Ground {
    /// What the host can do.
    pub(in crate::hypervisor::libvirt) capabilities: Capabilities,
    /// `kvm`, `qemu` or `test`.
    pub(in crate::hypervisor::libvirt) domain_type: String,
    /// What its domains can boot by.
    pub(in crate::hypervisor::libvirt) firmware: Vec<Firmware>,
}

/// The definition of a machine.
pub(in crate::hypervisor::libvirt) fn domain(
    machine: &MachineSpec,
    ground: &Ground,
    shape: &Shape,
) -> String {
    Xml::document("domain", &[("type", &ground.domain_type)], |x| {
        x.text("name", &[], &machine.name);
        x.text("uuid", &[], &machine.uuid.to_string());
        metadata(x, machine);
        memory::memory(x, machine, shape);
        // nothing boots on the test driver, which knows no firmware
        let firmware = match ground.domain_type.as_str() {
            "test" => Firmware::Bios,
            _ => machine.firmware,
        };
        os(x, ground, firmware);
        x.nest("features", &[], |x| {
            x.leaf("acpi", &[]);
            x.leaf("apic", &[]);
            if firmware == Firmware::SecureUefi {
                // without it the guest could write to its own keys
                x.leaf("smm", &[("state", "on")]);
            }
        });
        cpu(x, machine, ground, shape);
        clock(x);
        x.text("on_poweroff", &[], "destroy");
        x.text("on_reboot", &[], "restart");
        x.text("on_crash", &[], "destroy");
        x.nest("devices", &[], |x| devices(x, machine, shape));
        if let Some(extra) = &machine.extra {
            foreign::add(x, extra);
        }
    })
}

/// What it boots by. The host knows which of its OVMF images that is, and makes the variables of the domain from the
/// template that belongs to it; they go with the definition, so each start has them as they came.
fn os(x: &mut Xml, ground: &Ground, firmware: Firmware) {
    let efi = [("firmware", "efi")];
    x.nest("os", if firmware == Firmware::Bios { &[] } else { &efi }, |x| {
        let arch = match ground.capabilities.arch.as_str() {
            "" => "x86_64",
            arch => arch,
        };
        x.text("type", &[("arch", arch), ("machine", "q35")], "hvm");
        let features: &[_] = match firmware {
            Firmware::Bios => return,
            Firmware::Uefi => &[("no", "secure-boot")],
            // without keys in its variables, secure boot would let anything boot
            Firmware::SecureUefi => &[("yes", "secure-boot"), ("yes", "enrolled-keys")],
        };
        x.nest("firmware", &[], |x| {
            for (enabled, name) in features {
                x.leaf("feature", &[("enabled", enabled), ("name", name)]);
            }
        });
    });
}

/// What the operator's hook may want to know of the instance.
fn metadata(x: &mut Xml, machine: &MachineSpec) {
    if machine.details.is_empty() {
        return;
    }
    x.nest("metadata", &[], |x| {
        x.nest("csgpu:instance", &[("xmlns:csgpu", "urn:csgpu:instance")], |x| {
            for (name, value) in &machine.details {
                x.text("csgpu:detail", &[("name", name)], value);
            }
        });
    });
}

fn cpu(x: &mut Xml, machine: &MachineSpec, ground: &Ground, shape: &Shape) {
    let cells = |x: &mut Xml| memory::cells(x, machine, shape);
    match ground.domain_type.as_str() {
        "kvm" => x.nest("cpu", &[("mode", "host-passthrough"), ("check", "none")], |x| {
            cells(x);
            if shape.window.is_some() {
                // the guest must be able to address the window
                x.leaf("maxphysaddr", &[("mode", "passthrough")]);
            }
        }),
        "qemu" if shape.cells.is_empty() => {
            x.leaf("cpu", &[("mode", "maximum"), ("check", "none")]);
        }
        "qemu" => x.nest("cpu", &[("mode", "maximum"), ("check", "none")], cells),
        _ if shape.cells.is_empty() => {}
        _ => x.nest("cpu", &[], cells),
    }
}

fn clock(x: &mut Xml) {
    x.nest("clock", &[("offset", "utc")], |x| {
        x.leaf("timer", &[("name", "rtc"), ("tickpolicy", "catchup")]);
        x.leaf("timer", &[("name", "pit"), ("tickpolicy", "delay")]);
        x.leaf("timer", &[("name", "hpet"), ("present", "no")]);
    });
}

fn devices(x: &mut Xml, machine: &MachineSpec, shape: &Shape) {
    let ports = hostdev::Ports::of(&machine.devices, shape);
    ports.controllers(x, shape.window);
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
    use crate::domain::{
        machine::{
            shape::{HostNode, HugePages, Topology, shape},
            *,
        },
        placement::NumaPolicy,
    };

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
            ..MachineSpec::default()
        }
    }

    fn ground(domain_type: &str) -> Ground {
        let capabilities = Capabilities { arch: "x86_64".into(), ..Capabilities::default() };
        Ground { capabilities, domain_type: domain_type.into(), firmware: Vec::new() }
    }

    /// A host of two nodes with eight CPUs and 16 GiB each.
    fn host() -> Topology {
        let node = |first: u32| HostNode {
            cpus: (first..first + 8).collect(),
            memory: 16 << 30,
            pages: [(1 << 30, 16)].into_iter().collect(),
        };
        Topology { nodes: [(0, node(0)), (1, node(8))].into_iter().collect() }
    }

    /// The document of a machine there, whose first devices have BARs of these sizes.
    fn document(machine: &MachineSpec, domain_type: &str, bars: &[u64]) -> String {
        let bars: Vec<Vec<u64>> = bars.iter().map(|size| vec![*size]).collect();
        domain(machine, &ground(domain_type), &shape(machine, &bars, &host()).unwrap())
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
        golden_domain("domain_kvm.xml", &document(&machine(), "kvm", &[]));
        golden_domain("domain_qemu.xml", &document(&machine(), "qemu", &[]));
        let whole = MachineSpec {
            devices: vec![pci("07:00.0", &[]), pci("0001:0f:00.0", &["0001:0f:00.1"])],
            numa: NumaPolicy::Required,
            device_nodes: vec![Some(0), Some(0)],
            display: true, // means nothing on a PCI function
            ..machine()
        };
        golden_domain("hostdev_pci.xml", &document(&whole, "kvm", &[128 << 30, 128 << 30]));
        let pages = MachineSpec { hugepages: Some(HugePages::Of(1 << 30)), ..whole.clone() };
        golden_domain("hugepages_bound.xml", &document(&pages, "kvm", &[]));
        let soft = MachineSpec { numa: NumaPolicy::Preferred, ..whole };
        golden_domain("numa_preferred.xml", &document(&soft, "kvm", &[]));
        let slices = MachineSpec { devices: vec![mdev(1), mdev(2)], display: true, ..machine() };
        golden_domain("hostdev_mdev.xml", &document(&slices, "kvm", &[]));
        let pages = MachineSpec { hugepages: Some(HugePages::Usual), ..machine() };
        golden_domain("hugepages_usual.xml", &document(&pages, "kvm", &[]));
        let more = MachineSpec {
            extra: Some("<memtune><hard_limit unit='G'>4</hard_limit></memtune>\n".to_owned()),
            details: [("say".to_owned(), "<b> & \"c\"".to_owned())].into_iter().collect(),
            ..machine()
        };
        golden_domain("extra.xml", &document(&more, "kvm", &[]));
    }

    #[test]
    fn a_machine_boots_by_what_it_asks_for() {
        let by = |firmware| MachineSpec { firmware, ..machine() };
        // the test driver would take neither
        golden("firmware_uefi.xml", &document(&by(Firmware::Uefi), "kvm", &[]));
        golden("firmware_secure.xml", &document(&by(Firmware::SecureUefi), "kvm", &[]));
        let simulated = document(&by(Firmware::SecureUefi), "test", &[]);
        assert_eq!(simulated, document(&machine(), "test", &[]));
    }

    #[test]
    fn what_spans_nodes_has_cells_and_expanders() {
        let span = MachineSpec {
            devices: vec![
                pci("07:00.0", &[]),
                pci("0001:0f:00.0", &["0001:0f:00.1"]),
                pci("08:00.0", &[]),
                pci("05:00.0", &[]),
            ],
            numa: NumaPolicy::Preferred,
            device_nodes: vec![Some(0), Some(1), Some(0), None],
            hugepages: Some(HugePages::Of(1 << 30)),
            ..machine()
        };
        golden_domain("numa_span.xml", &document(&span, "kvm", &[64 << 30; 4]));
        let odd = MachineSpec { vcpus: 5, hugepages: None, ..span };
        golden_domain("numa_span_qemu.xml", &document(&odd, "qemu", &[]));
        let slices = MachineSpec {
            devices: vec![mdev(1), mdev(2)],
            device_nodes: vec![Some(1), Some(0)],
            ..odd
        };
        golden_domain("numa_span_mdev.xml", &document(&slices, "kvm", &[]));
    }

    /// The golden document, which libvirt's own schema must accept.
    fn golden_domain(name: &str, xml: &str) {
        golden(name, xml);
        let mut simulated = xml.to_owned();
        for kind in ["kvm", "qemu"] {
            let [from, to] = [kind, "test"].map(|kind| format!("<domain type=\"{kind}\""));
            simulated = simulated.replace(&from, &to);
        }
        let connect = virt::connect::Connect::open(Some("test:///default")).unwrap();
        let flags = virt::sys::VIR_DOMAIN_DEFINE_VALIDATE;
        let defined = connect.define_domain_xml_flags(&simulated, flags);
        defined.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    #[test]
    fn a_function_named_by_two_devices_is_attached_once() {
        let both =
            vec![pci("07:00.0", &["07:00.1", "08:00.0"]), pci("08:00.0", &["07:00.0", "07:00.1"])];
        let xml = document(&MachineSpec { devices: both, ..machine() }, "kvm", &[]);
        assert_eq!(xml.matches("<hostdev").count(), 3);
        assert_eq!(xml.matches("pcie-root-port").count(), 1);
    }
}
