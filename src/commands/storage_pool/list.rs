//! `listStoragePools`: where disks may lie, and how full it is there.

use super::view::{StoragePoolView, views};
use crate::{command::prelude::*, store::storage_pool};

/// `listStoragePools`.
#[derive(Debug)]
pub(super) struct ListStoragePools;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    cluster_id: Option<Id<id::Cluster>>,
    /// the name of the storage pool
    name: Option<String>,
    /// the directory of the storage pool
    path: Option<String>,
    /// the ID of the pod
    pod_id: Option<Id<id::Pod>>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the ID of the storage pool
    id: Option<Id<id::StoragePool>>,
    /// who reaches the storage pool
    scope: Option<String>,
    /// the state of the storage pool
    status: Option<String>,
    /// the ID of the host that the storage pool is on
    host_id: Option<Id<id::Host>>,
    #[param(group)]
    page: Page,
}

impl Command for ListStoragePools {
    const SPEC: Spec = Spec {
        name: "listStoragePools",
        about: "Lists the storage pools",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: None,
    };
    type Request = Request;
    type Response = List<StoragePoolView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { cluster_id, name, path, pod_id, zone_id, id, scope, status, host_id, page } =
            request;
        let filter = storage_pool::Filter {
            id,
            zone: zone_id,
            pod: pod_id,
            cluster: cluster_id,
            host: host_id,
            name,
            path,
            scope,
            state: status,
        };
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = storage_pool::list(conn, &filter, &page.window())?;
                Ok((count, views(conn, rows)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
