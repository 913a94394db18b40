//! Clusters and zones that are nearly used up: which alerts are to be raised and which are over.

use super::{
    Conn, Tx, alert,
    capacity::{self, Sum, percent},
    schema::{self, cluster, scoped_setting, zone},
    setting,
};
use crate::{
    domain::{
        Id, Kind,
        alert::{self as kinds, AlertType},
        id,
        setting::{Scope, USUAL_THRESHOLD, threshold},
    },
    error::Result,
};
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What is compared: the alert, its threshold's setting, the kind of capacity, of what, in words, the unit.
struct Watched {
    alert: AlertType,
    setting: &'static str,
    kind: i32,
    what: &'static str,
    unit: &'static str,
}

const fn watched(
    alert: AlertType,
    setting: &'static str,
    kind: i32,
    what: &'static str,
    unit: &'static str,
) -> Watched {
    Watched { alert, setting, kind, what, unit }
}

/// Of clusters.
const OF_CLUSTERS: [Watched; 6] = [
    watched(kinds::MEMORY, threshold::MEMORY, capacity::MEMORY, "memory", " bytes"),
    watched(kinds::CPU, threshold::CPU, capacity::CPU, "CPU speed", " MHz"),
    watched(kinds::STORAGE, threshold::STORAGE, capacity::STORAGE, "storage", " bytes"),
    watched(
        kinds::LOCAL_STORAGE,
        threshold::LOCAL_STORAGE,
        capacity::LOCAL_STORAGE,
        "storage of single hosts",
        " bytes",
    ),
    watched(
        kinds::STORAGE_ALLOCATED,
        threshold::STORAGE_ALLOCATED,
        capacity::STORAGE_ALLOCATED,
        "storage to promise",
        " bytes",
    ),
    watched(kinds::GPU_CAPACITY, threshold::GPU, capacity::GPU, "GPUs", ""),
];

/// Of zones.
const OF_ZONES: [Watched; 1] = [watched(
    kinds::SHARED_ADDRESSES,
    threshold::SHARED_ADDRESSES,
    SHARED_ADDRESSES,
    "addresses of shared networks",
    "",
)];

/// Addresses of shared networks, as CloudStack numbers capacity.
const SHARED_ADDRESSES: i32 = 8;

/// An alert that is to be raised, or that is over.
#[derive(Debug, Clone)]
pub struct Change {
    alert: AlertType,
    of: (Kind, Uuid),
    /// What it says; `None`: it is over.
    text: Option<String>,
}

/// A cluster or zone with what it has.
struct Place {
    kind: Kind,
    id: Uuid,
    name: String,
    sums: Vec<Sum>,
}

/// What is not as it was told: compares every cluster and zone with its thresholds. Eight statements, whatever their number.
pub fn due(conn: &mut Conn) -> Result<Vec<Change>> {
    let changed = setting::changed(conn)?;
    let own = own_thresholds(conn)?;
    let told = told(conn)?;
    let clusters = clusters(conn)?;
    let zones = zones(conn)?;
    let mut due = Vec::new();
    for (places, all) in [(&clusters, &OF_CLUSTERS[..]), (&zones, &OF_ZONES[..])] {
        for watched in all {
            for place in places {
                let value = own.get(&(place.id.to_string(), watched.setting.to_owned()));
                let value = value.or_else(|| changed.get(watched.setting));
                let text = text(place, watched, value.map_or(USUAL_THRESHOLD, String::as_str));
                let is_told = told.contains(&(watched.alert.name.to_owned(), place.id.to_string()));
                if text.is_some() != is_told {
                    due.push(Change { alert: watched.alert, of: (place.kind, place.id), text });
                }
            }
        }
    }
    // what is gone lacks nothing
    let there: HashSet<String> =
        clusters.iter().chain(&zones).map(|place| place.id.to_string()).collect();
    for watched in OF_CLUSTERS.iter().chain(&OF_ZONES) {
        let of_it =
            told.iter().filter(|(kind, id)| kind == watched.alert.name && !there.contains(id));
        let gone = of_it.filter_map(|(_, id)| Uuid::try_parse(id).ok());
        due.extend(gone.map(|id| Change {
            alert: watched.alert,
            of: (Kind::Cluster, id),
            text: None,
        }));
    }
    Ok(due)
}

/// What an alert says, where it is due.
fn text(place: &Place, watched: &Watched, threshold: &str) -> Option<String> {
    let threshold: f64 = threshold.parse().unwrap_or(1.0);
    let sum = place.sums.iter().find(|sum| sum.kind == watched.kind)?;
    let Sum { used, total, .. } = *sum;
    if total <= 0 || used as f64 <= threshold * total as f64 {
        return None;
    }
    let (share, most) = (percent(used, total), (threshold * 1e4).round() / 1e2);
    let (noun, name, what, unit) =
        (place.kind.resource().to_lowercase(), &place.name, watched.what, watched.unit);
    Some(format!(
        "{noun} {name} is low on {what}: {used} of {total}{unit} in use, {share} %, more than {most} %"
    ))
}

fn clusters(conn: &mut Conn) -> Result<Vec<Place>> {
    let rows: Vec<(Id<id::Cluster>, String)> = cluster::table
        .filter(cluster::alive.eq(true))
        .select((cluster::id, cluster::name))
        .load(conn)?;
    let ids: Vec<Id<id::Cluster>> = rows.iter().map(|(id, _)| *id).collect();
    let mut sums = capacity::sums(conn, &ids)?;
    let place = |(id, name): (Id<id::Cluster>, String)| {
        let sums = sums.remove(&id).unwrap_or_default();
        Place { kind: Kind::Cluster, id: id.uuid(), name, sums }
    };
    Ok(rows.into_iter().map(place).collect())
}

#[derive(QueryableByName)]
struct Addresses {
    #[diesel(sql_type = Text)]
    zone_id: Id<id::Zone>,
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

fn zones(conn: &mut Conn) -> Result<Vec<Place>> {
    let rows: Vec<(Id<id::Zone>, String)> =
        zone::table.filter(zone::alive.eq(true)).select((zone::id, zone::name)).load(conn)?;
    let text = "SELECT n.zone_id, CAST(SUM(INET_ATON(COALESCE(n.end_ip, n.start_ip)) - INET_ATON(n.start_ip) + 1) AS SIGNED) AS total, \
            CAST(SUM((SELECT COUNT(*) FROM nic WHERE nic.network_id = n.id AND nic.active = 1 AND nic.ip IS NOT NULL)) AS SIGNED) \
                AS used \
        FROM network n WHERE n.alive = 1 AND n.guest_type = 'Shared' AND n.start_ip IS NOT NULL GROUP BY n.zone_id";
    let found: Vec<Addresses> = sql_query(text).load(conn)?;
    let place = |(id, name): (Id<id::Zone>, String)| {
        let sums = found.iter().filter(|row| row.zone_id == id);
        let sums = sums.map(|row| Sum { kind: SHARED_ADDRESSES, used: row.used, total: row.total });
        Place { kind: Kind::Zone, id: id.uuid(), name, sums: sums.collect() }
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Thresholds that clusters have of their own, by cluster and setting.
fn own_thresholds(conn: &mut Conn) -> Result<HashMap<(String, String), String>> {
    let names = OF_CLUSTERS.iter().map(|watched| watched.setting);
    let rows: Vec<(String, String, String)> = scoped_setting::table
        .filter(scoped_setting::scope.eq(Scope::Cluster.name()))
        .filter(scoped_setting::name.eq_any(names))
        .select((scoped_setting::scope_id, scoped_setting::name, scoped_setting::value))
        .load(conn)?;
    Ok(rows.into_iter().map(|(of, name, value)| ((of, name), value)).collect())
}

/// Names of the alerts that are open, and of what they are.
fn told(conn: &mut Conn) -> Result<HashSet<(String, String)>> {
    let kinds = OF_CLUSTERS.iter().chain(&OF_ZONES).map(|watched| watched.alert.name);
    let rows: Vec<(String, Option<String>)> = schema::alert::table
        .filter(schema::alert::open.eq(true))
        .filter(schema::alert::kind.eq_any(kinds))
        .select((schema::alert::kind, schema::alert::resource_id))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(kind, of)| Some((kind, of?))).collect())
}

/// Raises them and ends them.
pub fn tell(tx: &mut Tx<'_>, changes: &[Change]) -> Result<()> {
    for Change { alert: kind, of, text } in changes {
        match text {
            Some(text) => alert::raise(tx, *kind, text, *of)?,
            None => alert::resolve(tx, *kind, of.1)?,
        }
    }
    Ok(())
}
