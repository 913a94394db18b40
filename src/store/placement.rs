//! The hosts of a zone as placement sees them: what is free there, and what speaks against them.
//!
//! What is read here is a snapshot without locks. The choice made from it is taken under the chosen host's lock; when
//! the host's generation has moved since, it is read once more there ([`candidates`] with that host alone).

use super::{
    Conn, Tx,
    schema::{gpu_allocation, gpu_device, gpu_slice_type, host},
};
use crate::{
    domain::{
        Id,
        gpu::{
            DeviceType, Health, ManagedState, PciAddress,
            claim::{Room, Standing},
        },
        id,
        machine::{Bytes, MIB},
        placement::{Candidate, HostDevice},
        vm::VmState,
    },
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
    update,
};
use std::collections::HashMap;

/// What a host must be, apart from having room.
#[derive(Debug, Clone)]
pub struct Needs {
    /// The zone.
    pub zone: Id<id::Zone>,
    /// The kind of host, as the template says.
    pub hypervisor: String,
    /// The architecture, as the template says.
    pub arch: String,
    /// Only in this pod.
    pub pod: Option<Id<id::Pod>>,
    /// Only in this cluster.
    pub cluster: Option<Id<id::Cluster>>,
    /// The pool where the instance's disk lies already.
    pub pool: Option<Id<id::StoragePool>>,
    /// Tags that the pool must have.
    pub storage_tags: Vec<String>,
    /// What must be free in the pool.
    pub space: Bytes,
}

/// A host with what placement does not need to know.
#[derive(Debug, Clone)]
pub struct Spot {
    /// For placement.
    pub candidate: Candidate,
    /// One more with every claim.
    pub generation: i64,
    /// The pool for the instance's disk.
    pub pool: Option<Id<id::StoragePool>>,
    /// Whether it has GPUs at all.
    pub has_gpus: bool,
}

#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: Id<id::Host>,
    #[diesel(sql_type = Text)]
    pod_id: Id<id::Pod>,
    #[diesel(sql_type = Text)]
    cluster_id: Id<id::Cluster>,
    #[diesel(sql_type = Text)]
    hypervisor: String,
    #[diesel(sql_type = Text)]
    arch: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    resource_state: String,
    #[diesel(sql_type = Integer)]
    cpus: i32,
    #[diesel(sql_type = Integer)]
    mhz: i32,
    #[diesel(sql_type = BigInt)]
    memory: i64,
    #[diesel(sql_type = Nullable<Text>)]
    tags: Option<String>,
    #[diesel(sql_type = BigInt)]
    generation: i64,
    #[diesel(sql_type = BigInt)]
    used_mhz: i64,
    #[diesel(sql_type = BigInt)]
    used_mib: i64,
    #[diesel(sql_type = Bool)]
    has_gpus: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pool_id: Option<Id<id::StoragePool>>,
    #[diesel(sql_type = Nullable<Text>)]
    pool_tags: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pool_capacity: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pool_available: Option<i64>,
}

/// What of the hosts' GPUs is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Nothing: none are asked.
    NoGpus,
    /// What exists.
    Devices,
    /// And what can be made.
    Slices,
}

/// The hosts of a zone, or one of them. One statement for the hosts, one for devices, one for slices.
pub fn candidates(
    conn: &mut Conn,
    needs: &Needs,
    only: Option<Id<id::Host>>,
    depth: Depth,
) -> Result<Vec<Spot>> {
    let rows: Vec<Row> = sql_query(hosts_query(needs, only)).load(conn)?;
    let mut spots: Vec<Spot> = Vec::new();
    for row in rows {
        if spots.last().is_none_or(|last| last.candidate.host != row.id) {
            spots.push(spot(&row, needs));
        }
        if let Some(last) = spots.last_mut() {
            consider_pool(last, &row, needs);
        }
    }
    for spot in &mut spots {
        if spot.pool.is_none() && spot.candidate.blocker.is_none() {
            spot.candidate.blocker = Some(match needs.pool {
                Some(_) => "without the pool where the instance's disk lies".to_owned(),
                None => "without a storage pool that has room".to_owned(),
            });
        }
    }
    let asked: Vec<Id<id::Host>> =
        spots.iter().filter(|spot| spot.has_gpus).map(|spot| spot.candidate.host).collect();
    if depth != Depth::NoGpus && !asked.is_empty() {
        let mut devices = devices_of(conn, &asked)?;
        let mut rooms = match depth {
            Depth::Slices => rooms_of(conn, &asked)?,
            Depth::NoGpus | Depth::Devices => HashMap::new(),
        };
        for spot in &mut spots {
            spot.candidate.devices = devices.remove(&spot.candidate.host).unwrap_or_default();
            spot.candidate.rooms = rooms.remove(&spot.candidate.host).unwrap_or_default();
        }
    }
    Ok(spots)
}

fn hosts_query(needs: &Needs, only: Option<Id<id::Host>>) -> String {
    let holding: Vec<String> =
        VmState::HOLDS_HOST.iter().map(|state| format!("'{state}'")).collect();
    let only = only.map(|host| format!(" AND h.id = '{host}'")).unwrap_or_default();
    format!(
        "SELECT h.id, h.pod_id, h.cluster_id, h.hypervisor, h.arch, h.state, h.resource_state, h.cpus, h.mhz, \
         h.memory, h.tags, h.generation, CAST(COALESCE(u.mhz, 0) AS SIGNED) AS used_mhz, \
         CAST(COALESCE(u.mib, 0) AS SIGNED) AS used_mib, \
         EXISTS (SELECT 1 FROM gpu_device d WHERE d.host_id = h.id AND d.alive = 1) AS has_gpus, \
         p.id AS pool_id, p.tags AS pool_tags, p.capacity AS pool_capacity, p.available AS pool_available \
         FROM host h LEFT JOIN (SELECT host_id, SUM(cpu_number * cpu_speed) AS mhz, SUM(memory_mib) AS mib \
         FROM vm WHERE state IN ({holding}) AND host_id IS NOT NULL AND removed IS NULL GROUP BY host_id) u \
         ON u.host_id = h.id \
         LEFT JOIN storage_pool p ON p.zone_id = h.zone_id AND p.alive = 1 AND p.state = 'Up' \
         AND (p.host_id = h.id OR (p.host_id IS NULL AND (p.cluster_id IS NULL OR p.cluster_id = h.cluster_id))) \
         WHERE h.zone_id = '{zone}' AND h.alive = 1{only} ORDER BY h.id, p.id",
        holding = holding.join(", "),
        zone = needs.zone,
    )
}

fn spot(row: &Row, needs: &Needs) -> Spot {
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    let cores = u32::try_from(row.cpus).unwrap_or_default();
    // a host that does not tell its speed is not asked for any
    let all_mhz =
        if row.mhz > 0 { number(i64::from(row.mhz)) * u64::from(cores) } else { u64::MAX };
    let candidate = Candidate {
        host: row.id,
        blocker: blocker(row, needs),
        cores,
        free_mhz: all_mhz.saturating_sub(number(row.used_mhz)),
        free_memory: number(row.memory).saturating_sub(number(row.used_mib) * MIB),
        tags: words(row.tags.as_deref()),
        devices: Vec::new(),
        rooms: Vec::new(),
    };
    Spot { candidate, generation: row.generation, pool: None, has_gpus: row.has_gpus }
}

/// What speaks against a host whatever it has.
fn blocker(row: &Row, needs: &Needs) -> Option<String> {
    let why = if row.state != "Up" {
        "unreachable"
    } else if matches!(row.resource_state.as_str(), "Maintenance" | "PrepareForMaintenance") {
        "in maintenance"
    } else if row.resource_state != "Enabled" {
        "disabled"
    } else if !row.hypervisor.eq_ignore_ascii_case(&needs.hypervisor) {
        return Some(format!("not of the template's kind {}", needs.hypervisor));
    } else if row.arch != needs.arch {
        return Some(format!("not of the template's architecture {}", needs.arch));
    } else if needs.pod.is_some_and(|pod| pod != row.pod_id) {
        "in another pod"
    } else if needs.cluster.is_some_and(|cluster| cluster != row.cluster_id) {
        "in another cluster"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// The first pool that will do; disks grow as they are written, so room for what is written at once is enough.
fn consider_pool(spot: &mut Spot, row: &Row, needs: &Needs) {
    let Some(pool) = row.pool_id.filter(|_| spot.pool.is_none()) else { return };
    if let Some(wanted) = needs.pool {
        if wanted == pool {
            spot.pool = Some(pool);
        }
        return;
    }
    let tags = words(row.pool_tags.as_deref());
    let has_tags = needs.storage_tags.iter().all(|tag| tags.contains(tag));
    let free = u64::try_from(row.pool_available.unwrap_or_default()).unwrap_or_default();
    let is_measured = row.pool_capacity.is_some_and(|capacity| capacity > 0);
    if has_tags && (!is_measured || free >= needs.space) {
        spot.pool = Some(pool);
    }
}

/// Tags that are joined by commas.
pub fn words(text: Option<&str>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn devices_of(
    conn: &mut Conn,
    hosts: &[Id<id::Host>],
) -> Result<HashMap<Id<id::Host>, Vec<HostDevice>>> {
    type Row = (
        (Id<id::Host>, Id<id::GpuDevice>, Option<Id<id::GpuDevice>>, Id<id::VgpuProfile>),
        (DeviceType, ManagedState, Health, bool, bool, Option<i32>, PciAddress),
        (Option<i32>, Option<PciAddress>, Option<PciAddress>, Option<String>),
        Option<Id<id::Vm>>,
    );
    let held = gpu_allocation::device_id.eq(gpu_device::id).and(gpu_allocation::active.eq(true));
    let rows: Vec<Row> = gpu_device::table
        .left_join(gpu_allocation::table.on(held))
        .filter(gpu_device::host_id.eq_any(hosts).and(gpu_device::alive.eq(true)))
        .order(gpu_device::id)
        .select((
            (gpu_device::host_id, gpu_device::id, gpu_device::parent_id, gpu_device::profile_id),
            (
                gpu_device::device_type,
                gpu_device::managed,
                gpu_device::health,
                gpu_device::is_ready,
                gpu_device::on_demand,
                gpu_device::iommu_group,
                gpu_device::carrier,
            ),
            (
                gpu_device::numa_node,
                gpu_device::pci_switch,
                gpu_device::pci_root,
                gpu_device::ready_reason,
            ),
            gpu_allocation::vm_id.nullable(),
        ))
        .load(conn)?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for ((host, id, parent, profile), kind, place, holder) in rows {
        let (device_type, managed, health, is_ready, on_demand, iommu_group, carrier) = kind;
        let (numa_node, pci_switch, pci_root, ready_reason) = place;
        let standing = Standing {
            id,
            parent,
            profile,
            device_type,
            managed,
            health,
            is_ready,
            on_demand,
            iommu_group,
            carrier,
            is_held: holder.is_some(),
        };
        let numa_node = numa_node.and_then(|node| u32::try_from(node).ok());
        let device = HostDevice { standing, numa_node, pci_switch, pci_root, ready_reason };
        found.entry(host).or_default().push(device);
    }
    Ok(found)
}

fn rooms_of(conn: &mut Conn, hosts: &[Id<id::Host>]) -> Result<HashMap<Id<id::Host>, Vec<Room>>> {
    type Columns = (Id<id::GpuDevice>, Id<id::VgpuProfile>, PciAddress, String, i32, i32, bool);
    let rows: Vec<(Id<id::Host>, Columns)> = gpu_slice_type::table
        .inner_join(gpu_device::table.on(gpu_device::id.eq(gpu_slice_type::device_id)))
        .filter(gpu_device::host_id.eq_any(hosts).and(gpu_device::alive.eq(true)))
        .order((gpu_slice_type::device_id, gpu_slice_type::carrier))
        .select((gpu_device::host_id, gpu_slice_type::all_columns))
        .load(conn)?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for (host, (gpu, profile, carrier, mdev_type, capacity, gpu_capacity, is_mixed)) in rows {
        let room = Room { gpu, profile, carrier, mdev_type, capacity, gpu_capacity, is_mixed };
        found.entry(host).or_default().push(room);
    }
    Ok(found)
}

/// Whoever looked at the host before this sees that it was given to somebody: for instances without GPUs, whose claim
/// writes nothing on the host.
pub fn promise(tx: &mut Tx<'_>, which: Id<id::Host>) -> Result<()> {
    update(host::table.filter(host::id.eq(which)))
        .set(host::generation.eq(host::generation + 1))
        .execute(&mut **tx)?;
    Ok(())
}
