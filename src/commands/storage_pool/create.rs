//! `createStoragePool`: makes a directory or an export known, on every host that reaches it and answers.

use super::{
    url,
    view::{StoragePoolView, one},
};
use crate::{
    command::{prelude::*, unmet::not_here},
    domain::infra::{PoolKind, PoolScope, PoolState, by_word},
    store::{cluster, host, storage_pool, zone},
};
use std::time::Duration;

/// How long the hosts may hold up the answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// `createStoragePool`.
#[derive(Debug)]
pub(super) struct CreateStoragePool;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    cluster_id: Option<Id<id::Cluster>>,
    /// the name of the storage pool
    name: String,
    /// the ID of the pod
    pod_id: Option<Id<id::Pod>>,
    /// the ID of the host that the directory is on
    host_id: Option<Id<id::Host>>,
    /// the tags of the storage pool, joined by commas
    tags: Option<String>,
    /// where the storage is: file:///directory, sharedmountpoint://localhost/directory or nfs://server/export
    url: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// who provides the storage; only DefaultPrimary is supported
    provider: Option<String>,
    /// who reaches the storage: host, cluster or zone
    scope: Option<String>,
    /// whether volumes are managed one by one, which they are not
    managed: Option<bool>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What pools have elsewhere.
    NotHere {
        refused "capacityiops" long "the operations a second of the pool, which are not counted";
        unused "capacitybytes" long "the size of the pool, which its host says";
        unused "hypervisor" string "the kind of host, which the cluster says";
        unused "details" map "details by name";
        refused "storageaccessgroups" string "storage access groups, of which there are none";
        refused "istagarule" boolean "whether tags is a rule, which it is not";
    }
}

impl Command for CreateStoragePool {
    const SPEC: Spec = Spec {
        name: "createStoragePool",
        about: "Creates a storage pool",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("PRIMARY.STORAGE.CREATE"),
    };
    type Request = Request;
    type Response = One<StoragePoolView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let wish = read(request)?;
        let (new, hosts) = cx.db.read(move |conn| place(conn, &wish)).await?;
        let size = measure(cx, &new, &hosts).await?;
        let view = cx
            .write(move |tx, _| {
                zone::hold(tx, new.zone_id)?;
                if let Some(cluster) = new.cluster_id {
                    cluster::hold(tx, cluster)?;
                }
                if let Some(host) = new.host_id {
                    host::hold(tx, host)?;
                }
                refuse_known(tx, &new)?;
                storage_pool::insert(tx, &new)?;
                if let Some(size) = size {
                    storage_pool::measured(tx, new.id, size)?;
                }
                Ok((Some((Kind::StoragePool, new.id.uuid())), one(tx, new.id)?))
            })
            .await?;
        Ok(One(view))
    }
}

/// A request that was checked as far as it can be alone.
struct Wish {
    request: Request,
    kind: PoolKind,
    path: String,
    scope: PoolScope,
}

fn read(request: Request) -> Result<Wish> {
    let (kind, path) = url::read(&request.url)?;
    let provider = request.provider.as_deref().filter(|text| !text.is_empty());
    if provider.is_some_and(|text| !text.eq_ignore_ascii_case("DefaultPrimary")) {
        return Err(Error::invalid("provider: only DefaultPrimary is supported"));
    }
    if request.managed == Some(true) {
        return Err(Error::invalid("managed storage is not supported: leave managed out"));
    }
    let scope = match request.scope.as_deref().filter(|text| !text.is_empty()) {
        None if kind == PoolKind::Filesystem => PoolScope::HOST,
        None if request.cluster_id.is_some() => PoolScope::CLUSTER,
        None => PoolScope::ZONE,
        Some(text) => by_word(PoolScope::ALL, text).ok_or_else(|| {
            Error::Invalid(format!(
                "Unable to create a storage pool of scope {text}: host, cluster or zone"
            ))
        })?,
    };
    if kind == PoolKind::Filesystem && scope == PoolScope::ZONE {
        return Err(Error::invalid("a directory of one host cannot serve a zone: use nfs"));
    }
    if kind != PoolKind::Filesystem && scope == PoolScope::HOST {
        return Err(Error::invalid("storage of one host is a directory: use file:///directory"));
    }
    Ok(Wish { request, kind, path, scope })
}

/// The pool to be, and the hosts that reach it. A directory belongs to one host: the one that is named, or the only one
/// of the cluster.
fn place(conn: &mut Conn, wish: &Wish) -> Result<(storage_pool::StoragePool, Vec<Id<id::Host>>)> {
    let Wish { request, kind, path, scope } = wish;
    let named = request.host_id.map(|id| host::get(conn, id)).transpose()?;
    let cluster = match (request.cluster_id, &named) {
        (Some(id), _) => Some(cluster::get(conn, id)?),
        (None, Some(host)) => Some(cluster::get(conn, host.cluster_id)?),
        (None, None) => None,
    };
    let outside = cluster.as_ref().is_some_and(|cluster| {
        cluster.zone_id != request.zone_id
            || request.pod_id.is_some_and(|pod| pod != cluster.pod_id)
            || named.as_ref().is_some_and(|host| host.cluster_id != cluster.id)
    });
    if outside {
        return Err(Error::invalid(
            "zone, pod, cluster and host of the storage pool do not belong together",
        ));
    }
    let filter = host::Filter {
        zone: Some(request.zone_id),
        cluster: cluster.as_ref().map(|cluster| cluster.id),
        ..host::Filter::default()
    };
    let (_, rows) = host::list(conn, &filter, &crate::store::Window::ALL)?;
    let mut hosts: Vec<Id<id::Host>> = rows.into_iter().map(|(host, ..)| host.id).collect();
    let mut host_id = None;
    if *kind == PoolKind::Filesystem {
        host_id = match (named, hosts.as_slice()) {
            (Some(host), _) => Some(host.id),
            (None, [only]) if cluster.is_some() => Some(*only),
            _ => return Err(Error::invalid("a directory is on one host: give hostid")),
        };
        hosts = host_id.into_iter().collect();
    }
    if *scope == PoolScope::CLUSTER && cluster.is_none() {
        return Err(Error::invalid("a storage pool of a cluster needs clusterid"));
    }
    let cluster = cluster.filter(|_| *scope != PoolScope::ZONE);
    let new = storage_pool::StoragePool {
        id: Id::mint(),
        zone_id: request.zone_id,
        pod_id: cluster.as_ref().map(|cluster| cluster.pod_id),
        cluster_id: cluster.as_ref().map(|cluster| cluster.id),
        host_id,
        name: request.name.clone(),
        kind: *kind,
        scope: if *kind == PoolKind::Filesystem { PoolScope::HOST } else { *scope },
        path: path.clone(),
        state: PoolState::Up,
        capacity: 0,
        available: 0,
        tags: request.tags.clone().filter(|tags| !tags.is_empty()),
    };
    refuse_known(conn, &new)?;
    Ok((new, hosts))
}

fn refuse_known(conn: &mut Conn, new: &storage_pool::StoragePool) -> Result<()> {
    match storage_pool::at(conn, new.host_id, new.cluster_id, &new.path)? {
        None => Ok(()),
        Some(known) => Err(Error::Conflict(format!(
            "{} is storage pool {} ({}) already",
            new.path, known.name, known.id
        ))),
    }
}

/// Makes the pool on its hosts; the size that the last of them told. A host that is away gets it with its first
/// instance; a host that refuses ends the request. A directory's own host must answer.
async fn measure(
    cx: &Cx,
    new: &storage_pool::StoragePool,
    hosts: &[Id<id::Host>],
) -> Result<Option<(u64, u64)>> {
    let (pool, mut size) = (new.on_host(), None);
    for host in hosts {
        let asked = async { cx.hosts.at(*host)?.ensure_pool(&pool).await };
        let late = || Error::Unreachable {
            host: host.to_string(),
            why: format!("it did not make the pool within {} seconds", PATIENCE.as_secs()),
        };
        match tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(late())) {
            Ok(found) => size = Some(found),
            Err(Error::Unreachable { host, why }) if new.host_id.is_none() => {
                tracing::info!(host, why, pool = %new.id, "the pool is made there later");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(size)
}
