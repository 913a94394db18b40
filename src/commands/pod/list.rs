//! `listPods`: the pods of the zones.

use super::view::PodView;
use crate::{
    command::prelude::*,
    commands::{annotation::view::annotated, capacity::view::CapacityView},
    store::{capacity, pod},
};

/// `listPods`.
#[derive(Debug)]
pub(super) struct ListPods;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the pod
    id: Option<Id<id::Pod>>,
    /// the name of the pod
    name: Option<String>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the allocation state of the pod
    allocation_state: Option<String>,
    /// true to show the capacities too
    show_capacities: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListPods {
    const SPEC: Spec = Spec {
        name: "listPods",
        about: "Lists the pods",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: None,
    };
    type Request = Request;
    type Response = List<PodView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, zone_id, allocation_state, show_capacities, page } = request;
        let filter = pod::Filter { id, zone: zone_id, name, allocation_state };
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, pods) = pod::list(conn, &filter, &page.window())?;
                Ok((count, views(conn, pods, show_capacities == Some(true))?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}

fn views(conn: &mut Conn, pods: Vec<(pod::Pod, String)>, capacities: bool) -> Result<Vec<PodView>> {
    if !capacities {
        return annotated(conn, pods.into_iter().map(|(pod, zone)| PodView::new(pod, zone)));
    }
    let ids: Vec<Id<id::Pod>> = pods.iter().map(|(pod, _)| pod.id).collect();
    let mut sums = capacity::sums(conn, &ids)?;
    let view = |(pod, zone): (pod::Pod, String)| {
        let found = sums.remove(&pod.id).unwrap_or_default();
        PodView::new(pod, zone).with_capacity(CapacityView::inside(found))
    };
    annotated(conn, pods.into_iter().map(view))
}
