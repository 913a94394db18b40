//! What a new cloud can offer at once: operating systems, network, service and disk offerings.

use super::{
    Tx,
    disk_offering::DiskOffering,
    network_offering::NetworkOffering,
    os_type::{OsCategory, OsType},
    schema::{disk_offering, network_offering, os_category, os_type, service_offering},
    seed::fixed,
    service_offering::Offering,
};
use crate::{
    domain::{Id, infra::GuestType},
    error::Result,
};
use diesel::{RunQueryDsl, insert_into};

/// Families of operating systems and what is in them; `;` between the names.
const SYSTEMS: [(&str, &str); 13] = [
    ("AlmaLinux", "AlmaLinux 8;AlmaLinux 9;AlmaLinux 10"),
    (
        "CentOS",
        "CentOS 5.6 (64-bit);CentOS 7;CentOS 8;CentOS Stream 8;CentOS Stream 9;CentOS Stream 10",
    ),
    (
        "Debian",
        "Debian GNU/Linux 10 (64-bit);Debian GNU/Linux 11 (64-bit);Debian GNU/Linux 12 (64-bit);Debian GNU/Linux 13 (64-bit)",
    ),
    ("Fedora", "Fedora Linux (64-bit);Fedora CoreOS (64-bit)"),
    ("FreeBSD", "FreeBSD 13 (64-bit);FreeBSD 14 (64-bit)"),
    ("openEuler", "openEuler 22.03 LTS;openEuler 24.03 LTS"),
    ("Oracle", "Oracle Linux 7;Oracle Linux 8;Oracle Linux 9"),
    ("Other", "Other (64-bit);Other Linux (64-bit);Other PV (64-bit);None"),
    (
        "RedHat",
        "Red Hat Enterprise Linux 7;Red Hat Enterprise Linux 8;Red Hat Enterprise Linux 9;Red Hat Enterprise Linux 10",
    ),
    ("Rocky Linux", "Rocky Linux 8;Rocky Linux 9;Rocky Linux 10"),
    (
        "SUSE",
        "SUSE Linux Enterprise Server 12 (64-bit);SUSE Linux Enterprise Server 15 (64-bit);openSUSE Leap 15",
    ),
    (
        "Ubuntu",
        "Ubuntu 18.04 LTS;Ubuntu 20.04 LTS;Ubuntu 22.04 LTS;Ubuntu 24.04 LTS;Ubuntu 26.04 LTS",
    ),
    (
        "Windows",
        "Windows 10 (64-bit);Windows 11 (64-bit);Windows Server 2016 (64-bit);Windows Server 2019 (64-bit);Windows Server 2022 (64-bit);Windows Server 2025 (64-bit)",
    ),
];

/// Network offerings: name, description, kind, whether ranges are named.
const NETWORKS: [(&str, &str, GuestType, bool); 3] = [
    (
        "DefaultIsolatedNetworkOfferingWithSourceNatService",
        "Isolated networks with source NAT: one behind each host, not joined between hosts",
        GuestType::Isolated,
        false,
    ),
    (
        "DefaultSharedNetworkOffering",
        "Shared networks on a bridge of the hosts",
        GuestType::Shared,
        true,
    ),
    ("DefaultL2NetworkOffering", "L2 networks on a bridge of the hosts", GuestType::L2, false),
];

/// Service offerings: name, MHz, MiB.
const SERVICES: [(&str, i32, i32); 2] =
    [("Small Instance", 500, 512), ("Medium Instance", 1000, 1024)];

/// Disk offerings: name, GiB; 0: chosen with each disk.
const DISKS: [(&str, i64); 4] = [("Small", 5), ("Medium", 20), ("Large", 100), ("Custom", 0)];

/// Seeds all of it. Not to be repeated.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    let (mut categories, mut types) = (Vec::new(), Vec::new());
    for ((name, systems), number) in SYSTEMS.iter().zip(0u128..) {
        let category = Id::from_uuid(fixed(0x1000 + number));
        categories.push(OsCategory { id: category, name: (*name).to_owned() });
        for (system, place) in systems.split(';').zip(0u128..) {
            types.push(OsType {
                id: Id::from_uuid(fixed(0x2000 + number * 0x100 + place)),
                category_id: category,
                name: system.to_owned(),
            });
        }
    }
    insert_into(os_category::table).values(categories).execute(&mut **tx)?;
    insert_into(os_type::table).values(types).execute(&mut **tx)?;
    let networks: Vec<NetworkOffering> = NETWORKS.iter().zip(0u128..).map(network).collect();
    insert_into(network_offering::table).values(networks).execute(&mut **tx)?;
    let services: Vec<Offering> = SERVICES.iter().zip(0u128..).map(service).collect();
    insert_into(service_offering::table).values(services).execute(&mut **tx)?;
    let disks: Vec<DiskOffering> = DISKS.iter().zip(0u128..).map(disk).collect();
    insert_into(disk_offering::table).values(disks).execute(&mut **tx)?;
    Ok(())
}

fn network((offering, number): (&(&str, &str, GuestType, bool), u128)) -> NetworkOffering {
    let (name, text, guest_type, specify_ip_ranges) = *offering;
    NetworkOffering {
        id: Id::from_uuid(fixed(0x300 + number)),
        name: name.to_owned(),
        display_text: text.to_owned(),
        guest_type,
        state: "Enabled".to_owned(),
        is_default: true,
        specify_vlan: guest_type == GuestType::Shared,
        specify_ip_ranges,
    }
}

fn service((offering, number): (&(&str, i32, i32), u128)) -> Offering {
    let (name, mhz, mib) = *offering;
    Offering {
        id: Id::from_uuid(fixed(0x400 + number)),
        domain_id: None,
        zone_id: None,
        profile_id: None,
        gpu_offering_id: None,
        name: name.to_owned(),
        display_text: name.to_owned(),
        cpu_number: Some(1),
        cpu_speed: Some(mhz),
        memory_mib: Some(mib),
        root_disk_size: None,
        is_customized: false,
        gpu_count: None,
        gpu_display: false,
        offer_ha: false,
        limit_cpu: false,
        host_tags: None,
        storage_tags: None,
        storage_type: "shared".to_owned(),
        state: "Active".to_owned(),
        is_default: true,
    }
}

fn disk((offering, number): (&(&str, i64), u128)) -> DiskOffering {
    let (name, gib) = *offering;
    let display_text = match gib {
        0 => "Custom Disk".to_owned(),
        gib => format!("{name} Disk, {gib} GB"),
    };
    DiskOffering {
        id: Id::from_uuid(fixed(0x500 + number)),
        name: name.to_owned(),
        display_text,
        size: gib << 30,
        is_customized: gib == 0,
        tags: None,
        state: "Active".to_owned(),
    }
}
