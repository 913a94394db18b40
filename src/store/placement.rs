//! The hosts of a zone as placement sees them: what is free there, and what speaks against them.
//!
//! What is read here is a snapshot without locks. The choice made from it is taken under the chosen host's lock; when
//! the host's generation has moved since, it is read once more there ([`candidates`] with that host alone).

use super::{
    Conn,
    gpu_standing::{Found, devices_of, read_fabric, rooms_of},
    prepared::{marks, prepared},
    schema::{gpu_card, vgpu_profile},
};
use crate::{
    domain::{
        Id, Time, id,
        machine::{MIB, Told},
        placement::{Candidate, Class, Load, NodeRoom, PoolRoom, bind},
        vm::VmState,
    },
    error::Result,
};
use diesel::{
    ExpressionMethods, JoinOnDsl, QueryDsl, QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Bool, Datetime, Integer, Nullable, Text},
};
use std::collections::{BTreeMap, HashMap};

/// A host with what placement does not need to know.
#[derive(Debug, Clone)]
pub struct Spot {
    /// For placement.
    pub candidate: Candidate,
    /// One more with every claim.
    pub generation: i64,
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
    #[diesel(sql_type = Nullable<Text>)]
    fabric: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    told: Option<String>,
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

/// The hosts of a zone, or some of them. One statement for the hosts, one for devices, one for slices. The generation
/// is read first: what changes meanwhile moves it once more.
pub fn candidates(
    conn: &mut Conn,
    zone: Id<id::Zone>,
    only: Option<&[Id<id::Host>]>,
    depth: Depth,
) -> Result<Vec<Spot>> {
    let some = only.unwrap_or_default();
    let statement = prepared(hosts_query(only.map(<[_]>::len))).rare(some.len() > 1);
    let statement = statement.bind_all::<Text, _>(some).bind::<Text, _>(zone);
    let rows: Vec<Row> = statement.bind_all::<Text, _>(some).load(conn)?;
    let mut spots: Vec<Spot> = Vec::new();
    for row in rows {
        if spots.last().is_none_or(|last| last.candidate.host != row.id) {
            spots.push(spot(&row));
        }
        if let Some(last) = spots.last_mut() {
            last.candidate.pools.extend(pool(&row));
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
        for Spot { candidate, .. } in &mut spots {
            let devices = devices.remove(&candidate.host).unwrap_or_default();
            let rooms = rooms.remove(&candidate.host).unwrap_or_default();
            bind_holders(&mut candidate.nodes, &devices);
            let memory = devices.iter().map(|it| (it.device.standing.profile, it.memory));
            let made = rooms.iter().map(|(room, memory)| (room.profile, *memory));
            candidate.gpu_memory = memory.chain(made).collect();
            candidate.devices = devices.into_iter().map(|it| it.device).collect();
            candidate.rooms = rooms.into_iter().map(|(room, _)| room).collect();
        }
    }
    Ok(spots)
}

/// Instances that run where their devices are take CPUs and memory of these nodes.
fn bind_holders(rooms: &mut [NodeRoom], devices: &[Found]) {
    let mut holders: BTreeMap<Id<id::Vm>, (Load, Vec<u32>)> = BTreeMap::new();
    for Found { device, bound, .. } in devices {
        if let Some((vm, load)) = bound {
            let (_, nodes) = holders.entry(*vm).or_insert((*load, Vec::new()));
            nodes.extend(device.numa_node);
        }
    }
    holders.values().for_each(|(load, nodes)| bind(rooms, *load, nodes));
}

/// Of all hosts, or of so many. The index is named, and the condition written, so that the pools of each host are looked up
/// whatever the statistics say: with all pools of the zone for each host, ten thousand hosts take MySQL minutes.
fn hosts_query(only: Option<usize>) -> String {
    let holding: Vec<String> =
        VmState::HOLDS_HOST.iter().map(|state| format!("'{state}'")).collect();
    let those = only.map(|count| format!("IN ({})", marks(count)));
    let (users, hosts) = match those {
        None => ("IS NOT NULL".to_owned(), String::new()),
        Some(those) => (those.clone(), format!(" AND h.id {those}")),
    };
    format!(
        "SELECT h.id, h.pod_id, h.cluster_id, h.hypervisor, h.arch, h.state, h.resource_state, h.cpus, h.mhz, \
         h.memory, h.tags, h.fabric, h.told, h.generation, CAST(COALESCE(u.mhz, 0) AS SIGNED) AS used_mhz, \
         CAST(COALESCE(u.mib, 0) AS SIGNED) AS used_mib, \
         EXISTS (SELECT 1 FROM gpu_device d WHERE d.host_id = h.id AND d.alive = 1) AS has_gpus, \
         p.id AS pool_id, p.tags AS pool_tags, p.capacity AS pool_capacity, p.available AS pool_available \
         FROM host h LEFT JOIN (SELECT host_id, SUM(cpu_number * cpu_speed) AS mhz, SUM(memory_mib) AS mib \
         FROM vm WHERE state IN ({holding}) AND host_id {users} AND removed IS NULL GROUP BY host_id) u \
         ON u.host_id = h.id \
         LEFT JOIN storage_pool p FORCE INDEX (ix_storage_pool_host) ON p.zone_id = h.zone_id AND p.alive = 1 AND p.state = 'Up' \
         AND (p.host_id = h.id OR p.host_id IS NULL) \
         AND (p.host_id IS NOT NULL OR p.cluster_id IS NULL OR p.cluster_id = h.cluster_id) \
         WHERE h.zone_id = ? AND h.alive = 1{hosts} ORDER BY h.id, p.id",
        holding = holding.join(", "),
    )
}

fn spot(row: &Row) -> Spot {
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    let cores = u32::try_from(row.cpus).unwrap_or_default();
    // a host that does not tell its speed is not asked for any
    let mhz = (row.mhz > 0).then(|| number(i64::from(row.mhz)));
    let all_mhz = mhz.map_or(u64::MAX, |mhz| mhz * u64::from(cores));
    let told = Told::read(row.told.as_deref());
    let candidate = Candidate {
        host: row.id,
        class: Class {
            blocker: blocker(row).map(str::to_owned),
            tags: words(row.tags.as_deref()),
            hypervisor: row.hypervisor.clone(),
            arch: row.arch.clone(),
            pod: Some(row.pod_id),
            cluster: Some(row.cluster_id),
            firmware: told.firmware,
        },
        cores,
        free_mhz: all_mhz.saturating_sub(number(row.used_mhz)),
        free_memory: number(row.memory).saturating_sub(number(row.used_mib) * MIB),
        nodes: told.nodes.into_iter().map(|size| NodeRoom::new(size, mhz)).collect(),
        pages: told.pages,
        pools: Vec::new(),
        devices: Vec::new(),
        rooms: Vec::new(),
        fabric: read_fabric(row.fabric.as_deref()),
        gpu_memory: Default::default(),
    };
    Spot { candidate, generation: row.generation, has_gpus: row.has_gpus }
}

/// How a host stands, without what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    /// The host.
    #[diesel(sql_type = Text)]
    pub id: Id<id::Host>,
    /// One more with every change.
    #[diesel(sql_type = BigInt)]
    pub generation: i64,
    /// Whether it is not removed.
    #[diesel(sql_type = Bool)]
    pub is_alive: bool,
    /// The database's clock.
    #[diesel(sql_type = Datetime)]
    pub now: Time,
}

/// The hosts of a zone that changed since then, removed ones included; or all that there are. One statement, answered by
/// an index.
pub fn standings(
    conn: &mut Conn,
    zone: Id<id::Zone>,
    since: Option<Time>,
) -> Result<Vec<Standing>> {
    const COLUMNS: &str = "SELECT id, generation, COALESCE(alive, 0) AS is_alive, UTC_TIMESTAMP(6) AS now \
        FROM host FORCE INDEX (ix_host_changed) WHERE zone_id = ?";
    let statement = match since {
        Some(since) => prepared(format!("{COLUMNS} AND changed >= ?"))
            .bind::<Text, _>(zone)
            .bind::<Datetime, _>(since),
        None => prepared(format!("{COLUMNS} AND alive = 1")).bind::<Text, _>(zone),
    };
    Ok(statement.load(conn)?)
}

/// A pool and who reaches it.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The host it is on.
    pub host: Option<Id<id::Host>>,
    /// Its cluster, unless it serves the whole zone.
    pub cluster: Option<Id<id::Cluster>>,
    /// What it has.
    pub room: PoolRoom,
}

#[derive(Debug, QueryableByName)]
struct ReachRow {
    #[diesel(sql_type = Nullable<Text>)]
    host_id: Option<Id<id::Host>>,
    #[diesel(sql_type = Nullable<Text>)]
    cluster_id: Option<Id<id::Cluster>>,
    #[diesel(sql_type = Text)]
    id: Id<id::StoragePool>,
    #[diesel(sql_type = Nullable<Text>)]
    tags: Option<String>,
    #[diesel(sql_type = BigInt)]
    capacity: i64,
    #[diesel(sql_type = BigInt)]
    available: i64,
}

/// The pools of a zone that can be used, in order of id. One statement.
pub fn pools(conn: &mut Conn, zone: Id<id::Zone>) -> Result<Vec<Reach>> {
    let text = "SELECT host_id, cluster_id, id, tags, capacity, available FROM storage_pool \
        WHERE zone_id = ? AND alive = 1 AND state = 'Up' ORDER BY id";
    let rows: Vec<ReachRow> = prepared(text).bind::<Text, _>(zone).load(conn)?;
    let reach = |row: ReachRow| Reach {
        host: row.host_id,
        cluster: row.cluster_id,
        room: room(row.id, row.tags.as_deref(), row.capacity, row.available),
    };
    Ok(rows.into_iter().map(reach).collect())
}

/// What speaks against a host whatever it has.
fn blocker(row: &Row) -> Option<&'static str> {
    if row.state != "Up" {
        Some("unreachable")
    } else if matches!(row.resource_state.as_str(), "Maintenance" | "PrepareForMaintenance") {
        Some("in maintenance")
    } else {
        (row.resource_state != "Enabled").then_some("disabled")
    }
}

/// A pool of the host.
fn pool(row: &Row) -> Option<PoolRoom> {
    let (capacity, available) =
        (row.pool_capacity.unwrap_or_default(), row.pool_available.unwrap_or_default());
    Some(room(row.pool_id?, row.pool_tags.as_deref(), capacity, available))
}

/// Disks grow as they are written, so room for what is written at once is enough.
fn room(id: Id<id::StoragePool>, tags: Option<&str>, capacity: i64, available: i64) -> PoolRoom {
    let free = u64::try_from(available).unwrap_or_default();
    PoolRoom { id, tags: words(tags), free: (capacity > 0).then_some(free) }
}

/// Tags that are joined by commas.
pub fn words(text: Option<&str>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What people call a profile.
#[derive(Debug, Clone)]
pub struct ProfileName {
    /// Its name.
    pub name: String,
    /// Its card.
    pub card: Id<id::GpuCard>,
    /// The card's name.
    pub card_name: String,
}

/// The names of these profiles.
pub fn profile_names(
    conn: &mut Conn,
    ids: &[Id<id::VgpuProfile>],
) -> Result<HashMap<Id<id::VgpuProfile>, ProfileName>> {
    type Row = (Id<id::VgpuProfile>, String, Id<id::GpuCard>, String);
    let rows: Vec<Row> = vgpu_profile::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
        .filter(vgpu_profile::id.eq_any(ids))
        .select((vgpu_profile::id, vgpu_profile::name, gpu_card::id, gpu_card::name))
        .load(conn)?;
    let named = |(id, name, card, card_name)| (id, ProfileName { name, card, card_name });
    Ok(rows.into_iter().map(named).collect())
}
