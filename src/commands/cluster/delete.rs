//! `deleteCluster`: refused while anything is in it.

use crate::{command::prelude::*, store::cluster};

/// `deleteCluster`.
#[derive(Debug)]
pub(super) struct DeleteCluster;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    id: Id<id::Cluster>,
}

impl Command for DeleteCluster {
    const SPEC: Spec = Spec {
        name: "deleteCluster",
        about: "Removes an empty cluster",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("CLUSTER.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        cx.write(move |tx, _| {
            cluster::remove(tx, id)?;
            Ok((Some((Kind::Cluster, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
