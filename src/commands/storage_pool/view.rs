//! The `storagepool` object.

use crate::{
    command::prelude::*,
    commands::annotation::view::{HasAnnotations, annotated, annotated_view},
    domain::infra::{Hypervisor, PoolKind, PoolScope, PoolState},
    store::storage_pool::{self, Named},
};

/// A storage pool.
#[derive(Debug, View)]
#[view(object = "storagepool")]
pub struct StoragePoolView {
    /// the ID of the storage pool
    id: Id<id::StoragePool>,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// the ID of the pod
    pod_id: Option<Id<id::Pod>>,
    /// the name of the pod
    pod_name: Option<String>,
    /// the name of the storage pool
    name: String,
    /// the address of what serves the pool
    ip_address: String,
    /// the directory or export
    path: String,
    /// when the storage pool was made
    created: Date,
    /// what the pool is made of
    r#type: &'static str,
    /// the ID of the cluster
    cluster_id: Option<Id<id::Cluster>>,
    /// the name of the cluster
    cluster_name: Option<String>,
    /// the ID of the host, when the pool is on one
    host_id: Option<Id<id::Host>>,
    /// the size in bytes
    capacity_bytes: i64,
    /// the size in bytes
    disk_size_total: i64,
    /// what volumes are promised, in bytes
    disk_size_allocated: i64,
    /// what is full, in bytes
    disk_size_used: i64,
    /// the tags of the pool
    tags: Option<String>,
    /// whether the tags are a rule
    is_tag_a_rule: bool,
    /// whether it takes volumes
    state: &'static str,
    /// who reaches it
    scope: &'static str,
    /// how often its size may be promised
    overprovision_factor: &'static str,
    /// what its hosts run
    hypervisor: Option<&'static str>,
    /// who provides it
    provider: &'static str,
    /// what it can do
    storage_capabilities: BTreeMap<String, String>,
    /// whether its volumes are managed one by one
    managed: bool,
    /// what else is known of the pool
    details: BTreeMap<String, String>,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(StoragePoolView, id::StoragePool);

impl StoragePoolView {
    /// A pool and what volumes are promised of it.
    pub fn new(named: Named, promised: i64) -> Self {
        let Named { pool, created, zone, pod, cluster, address } = named;
        let (cluster_name, hypervisor) = cluster.unzip();
        let (server, path) = match (pool.kind, pool.path.split_once(':')) {
            (PoolKind::NetworkFilesystem, Some((server, export))) => (server, export),
            _ => (address.as_deref().unwrap_or("localhost"), pool.path.as_str()),
        };
        Self {
            id: pool.id,
            zone_id: pool.zone_id,
            zone_name: zone,
            pod_id: pool.pod_id,
            pod_name: pod,
            ip_address: server.to_owned(),
            path: path.to_owned(),
            created: Date(created),
            r#type: PoolKind::as_str(pool.kind),
            cluster_id: pool.cluster_id,
            cluster_name,
            host_id: pool.host_id,
            capacity_bytes: pool.capacity,
            disk_size_total: pool.capacity,
            disk_size_allocated: promised,
            disk_size_used: (pool.capacity - pool.available).max(0),
            is_tag_a_rule: false,
            state: PoolState::as_str(pool.state),
            scope: PoolScope::as_str(pool.scope),
            overprovision_factor: "1.0",
            hypervisor: hypervisor.map(Hypervisor::as_str),
            provider: "DefaultPrimary",
            storage_capabilities: BTreeMap::from([(
                "VOLUME_SNAPSHOT_QUIESCEVM".to_owned(),
                "false".to_owned(),
            )]),
            managed: false,
            details: BTreeMap::new(),
            has_annotations: HasAnnotations::default(),
            name: pool.name,
            tags: pool.tags,
        }
    }
}

/// The views of these pools. Two statements.
pub fn views(conn: &mut Conn, rows: Vec<Named>) -> Result<Vec<StoragePoolView>> {
    let ids: Vec<Id<id::StoragePool>> = rows.iter().map(|row| row.pool.id).collect();
    let promised = storage_pool::promised(conn, &ids)?;
    let view = |row: Named| {
        let bytes = promised.get(&row.pool.id).copied().unwrap_or_default();
        StoragePoolView::new(row, bytes)
    };
    annotated(conn, rows.into_iter().map(view))
}

/// The view of one pool. Error: not found.
pub fn one(conn: &mut Conn, id: Id<id::StoragePool>) -> Result<StoragePoolView> {
    let named = storage_pool::named(conn, id)?;
    let mut views = views(conn, vec![named])?;
    views.pop().ok_or_else(|| Error::NotFound { what: "storage pool", id: id.to_string() })
}
