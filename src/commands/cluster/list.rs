//! `listClusters`: the clusters of the pods.

use super::view::ClusterView;
use crate::{
    command::prelude::*,
    commands::{annotation::view::annotated, capacity::view::CapacityView},
    store::{capacity, cluster},
};

/// `listClusters`.
#[derive(Debug)]
pub(super) struct ListClusters;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    id: Option<Id<id::Cluster>>,
    /// the name of the cluster
    name: Option<String>,
    /// the ID of the pod
    pod_id: Option<Id<id::Pod>>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// what the hosts run
    hypervisor: Option<String>,
    /// the allocation state of the cluster
    allocation_state: Option<String>,
    /// true to show the capacities too
    show_capacities: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListClusters {
    const SPEC: Spec = Spec {
        name: "listClusters",
        about: "Lists the clusters",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: None,
    };
    type Request = Request;
    type Response = List<ClusterView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, pod_id, zone_id, hypervisor, allocation_state, .. } = request;
        let filter =
            cluster::Filter { id, zone: zone_id, pod: pod_id, name, hypervisor, allocation_state };
        let (page, capacities) = (request.page, request.show_capacities == Some(true));
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, clusters) = cluster::list(conn, &filter, &page.window())?;
                Ok((count, views(conn, clusters, capacities)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}

fn views(conn: &mut Conn, rows: Vec<cluster::Named>, capacities: bool) -> Result<Vec<ClusterView>> {
    if !capacities {
        return annotated(conn, rows.into_iter().map(ClusterView::from));
    }
    let ids: Vec<Id<id::Cluster>> = rows.iter().map(|(cluster, ..)| cluster.id).collect();
    let mut sums = capacity::sums(conn, &ids)?;
    let view = |row: cluster::Named| {
        let found = sums.remove(&row.0.id).unwrap_or_default();
        ClusterView::from(row).with_capacity(CapacityView::inside(found))
    };
    annotated(conn, rows.into_iter().map(view))
}
