//! `deleteStoragePool`: refused while disks lie in it; the files of its directory stay.

use crate::{
    command::prelude::*,
    store::{host, storage_pool},
};
use std::time::Duration;

/// How long a host may hold up the answer: one that is away keeps a pool that nobody uses.
const PATIENCE: Duration = Duration::from_secs(4);

/// `deleteStoragePool`.
#[derive(Debug)]
pub(super) struct DeleteStoragePool;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the storage pool
    id: Id<id::StoragePool>,
    /// accepted and without meaning: a pool with disks in it is never removed
    forced: Option<bool>,
}

impl Command for DeleteStoragePool {
    const SPEC: Spec = Spec {
        name: "deleteStoragePool",
        about: "Removes an empty storage pool",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("PRIMARY.STORAGE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, forced } = request;
        let _ = forced;
        let (pool, hosts) = cx
            .write(move |tx, _| {
                let pool = storage_pool::remove(tx, id)?;
                let filter = host::Filter {
                    id: pool.host_id,
                    zone: Some(pool.zone_id),
                    cluster: pool.cluster_id,
                    ..host::Filter::default()
                };
                let (_, hosts) = host::list(tx, &filter, &crate::store::Window::ALL)?;
                Ok((Some((Kind::StoragePool, id.uuid())), (pool, hosts)))
            })
            .await?;
        let name = pool.on_host().name;
        for (host, ..) in hosts {
            let asked = async { cx.hosts.at(host.id)?.ensure_no_pool(&name).await };
            match tokio::time::timeout(PATIENCE, asked).await {
                Ok(Ok(())) => {}
                other => {
                    tracing::warn!(host = host.name, pool = name, ?other, "the pool stays there")
                }
            }
        }
        Ok(Success::YES)
    }
}
