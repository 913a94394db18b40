//! How many GPUs there are and how many are used: one way of counting for hosts, zones and capacity type 19.
//!
//! What is managed and healthy counts, and what is held: a device is 1; a GPU that is cut is as many as its current
//! profile gives. Who holds what is read from the allocations, never from a cache.

use super::{
    Conn,
    schema::{gpu_card, vgpu_profile},
};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, JoinOnDsl, QueryDsl, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use std::collections::HashMap;

/// A count of GPUs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All that could be given away.
    pub total: i64,
    /// Those that an instance holds.
    pub used: i64,
}

/// The GPUs of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostGpus {
    /// All of them.
    pub count: Count,
    /// By card, then by profile, in order of name: `gpugroup`.
    pub groups: Vec<Group>,
}

/// The devices of one card on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The card's display name: `gpugroupname`.
    pub card: String,
    /// Its profiles: `vgpu`.
    pub profiles: Vec<Profile>,
}

/// The devices of one profile on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `vgputype`.
    pub name: String,
    /// MiB.
    pub video_ram: Option<i64>,
    /// Displays.
    pub max_heads: Option<i64>,
    /// Pixels.
    pub max_resolution_x: Option<i64>,
    /// Pixels.
    pub max_resolution_y: Option<i64>,
    /// The most on one GPU.
    pub max_per_gpu: Option<i64>,
    /// `maxcapacity` is its total, `remainingcapacity` what is left of it.
    pub count: Count,
}

/// By host; hosts without GPUs are absent. Two statements, whatever their number.
pub fn by_host(conn: &mut Conn, hosts: &[Id<id::Host>]) -> Result<HashMap<Id<id::Host>, HostGpus>> {
    let rows = rows(conn, "id", hosts)?;
    let mut wanted: Vec<_> = rows.iter().map(|row| row.profile).collect();
    wanted.sort();
    wanted.dedup();
    let profiles = profiles(conn, &wanted)?;
    let mut all: HashMap<Id<id::Host>, HostGpus> = HashMap::new();
    for row in rows {
        let Some((card, profile)) = profiles.get(&row.profile) else { continue };
        let host = all.entry(row.owner).or_default();
        host.count.total += row.count.total;
        host.count.used += row.count.used;
        let profile = Profile { count: row.count, ..profile.clone() };
        match host.groups.iter_mut().find(|group| group.card == *card) {
            Some(group) => group.profiles.push(profile),
            None => host.groups.push(Group { card: card.clone(), profiles: vec![profile] }),
        }
    }
    for host in all.values_mut() {
        host.groups.sort_by(|a, b| a.card.cmp(&b.card));
        host.groups.iter_mut().for_each(|g| g.profiles.sort_by(|a, b| a.name.cmp(&b.name)));
    }
    Ok(all)
}

/// A part of the cloud that hosts are in: a zone, a pod or a cluster.
pub trait Part: 'static {
    /// The column of hosts, and of storage pools, that names it.
    const COLUMN: &'static str;
}

impl Part for id::Zone {
    const COLUMN: &'static str = "zone_id";
}

impl Part for id::Pod {
    const COLUMN: &'static str = "pod_id";
}

impl Part for id::Cluster {
    const COLUMN: &'static str = "cluster_id";
}

/// By part of the cloud; those without GPUs are absent. One statement.
pub fn by_part<T: Part>(conn: &mut Conn, parts: &[Id<T>]) -> Result<HashMap<Id<T>, Count>> {
    let mut all: HashMap<Id<T>, Count> = HashMap::new();
    for row in rows(conn, T::COLUMN, parts)? {
        let count = all.entry(row.owner).or_default();
        count.total += row.count.total;
        count.used += row.count.used;
    }
    Ok(all)
}

struct Row<T> {
    owner: Id<T>,
    profile: Id<id::VgpuProfile>,
    count: Count,
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    profile: Id<id::VgpuProfile>,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    used: i64,
}

/// First what is one each: devices that are no cut GPU, usable (with their GPU) or held. Then what can still be made on
/// GPUs that are cut: as many as their profile gives, less those that are there. The rule is that of
/// `domain::gpu::count`, which the tests compare it with. `OWNER` and `IDS` are put in.
const COUNT: &str = "
    SELECT OWNER AS owner, d.profile_id AS profile,
        CAST(SUM(a.id IS NOT NULL OR (d.managed = 'Managed' AND d.health = 'Ok'
            AND (p.id IS NULL OR (p.managed = 'Managed' AND p.health = 'Ok')))) AS SIGNED) AS total,
        CAST(SUM(a.id IS NOT NULL) AS SIGNED) AS used
    FROM gpu_device d JOIN host h ON h.id = d.host_id
    LEFT JOIN gpu_device p ON p.id = d.parent_id AND p.alive = 1
    LEFT JOIN gpu_allocation a ON a.device_id = d.id AND a.active = 1
    WHERE OWNER IN (IDS) AND h.alive = 1 AND d.alive = 1 AND (d.device_type <> 'VGPUOnly'
        OR NOT EXISTS (SELECT 1 FROM gpu_device k WHERE k.parent_id = d.id AND k.alive = 1))
    GROUP BY OWNER, d.profile_id
    UNION ALL
    SELECT c.owner, c.profile, CAST(SUM(GREATEST(COALESCE(c.most, 0) - c.made, 0)) AS SIGNED), 0
    FROM (
        SELECT OWNER AS owner, MIN(d.profile_id) AS profile, COUNT(*) AS made,
            (SELECT MAX(t.gpu_capacity) FROM gpu_slice_type t WHERE t.device_id = p.id AND t.profile_id IN
                (SELECT o.profile_id FROM gpu_device o WHERE o.parent_id = p.id AND o.alive = 1)) AS most
        FROM gpu_device d JOIN gpu_device p ON p.id = d.parent_id JOIN host h ON h.id = d.host_id
        WHERE OWNER IN (IDS) AND h.alive = 1 AND d.alive = 1 AND d.device_type = 'MDEV'
            AND p.managed = 'Managed' AND p.health = 'Ok'
        GROUP BY OWNER, p.id
    ) c GROUP BY c.owner, c.profile";

fn rows<T: 'static>(
    conn: &mut Conn,
    column: &'static str,
    owners: &[Id<T>],
) -> Result<Vec<Row<T>>> {
    if owners.is_empty() {
        return Ok(Vec::new());
    }
    // the text of an id needs no escaping
    let ids: Vec<String> = owners.iter().map(|id| format!("'{id}'")).collect();
    let text = COUNT.replace("OWNER", &format!("h.{column}")).replace("IDS", &ids.join(", "));
    let raw: Vec<Raw> = sql_query(text).load(conn)?;
    raw.into_iter()
        .map(|row| {
            let owner = row.owner.parse().map_err(Error::internal)?;
            let count = Count { total: row.total, used: row.used };
            Ok(Row { owner, profile: row.profile, count })
        })
        .collect()
}

type Profiles = HashMap<Id<id::VgpuProfile>, (String, Profile)>;

fn profiles(conn: &mut Conn, wanted: &[Id<id::VgpuProfile>]) -> Result<Profiles> {
    type Columns = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
    let rows: Vec<(Id<id::VgpuProfile>, String, String, Columns)> = vgpu_profile::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
        .filter(vgpu_profile::id.eq_any(wanted))
        .select((
            vgpu_profile::id,
            gpu_card::name,
            vgpu_profile::name,
            (
                vgpu_profile::video_ram,
                vgpu_profile::max_heads,
                vgpu_profile::max_resolution_x,
                vgpu_profile::max_resolution_y,
                vgpu_profile::max_per_gpu,
            ),
        ))
        .load(conn)?;
    let of = |(id, card, name, columns): (_, String, String, Columns)| {
        let (video_ram, max_heads, max_resolution_x, max_resolution_y, max_per_gpu) = columns;
        let profile = Profile {
            name,
            video_ram,
            max_heads,
            max_resolution_x,
            max_resolution_y,
            max_per_gpu,
            count: Count::default(),
        };
        (id, (card, profile))
    };
    Ok(rows.into_iter().map(of).collect())
}
