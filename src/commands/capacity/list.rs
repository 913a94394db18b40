//! `listCapacity`: how much there is of everything, per zone, or per pod or cluster when one is named.

use super::view::{CapacityView, Place};
use crate::{
    command::prelude::*,
    store::{
        Window,
        capacity::{self, Sum},
        cluster, pod, zone,
    },
};

/// `listCapacity`.
#[derive(Debug)]
pub(super) struct ListCapacity;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the ID of the pod
    pod_id: Option<Id<id::Pod>>,
    /// the ID of the cluster
    cluster_id: Option<Id<id::Cluster>>,
    /// true to count anew; every answer is counted anew
    fetch_latest: Option<bool>,
    /// the capacity type: 0 memory, 1 CPU, 2 storage, 3 allocated storage, 9 local storage, 19 GPU, 90 CPU cores
    r#type: Option<i32>,
    /// usage: the fullest first
    sort_by: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListCapacity {
    const SPEC: Spec = Spec {
        name: "listCapacity",
        about: "Lists how much there is of everything and how much is in use",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: None,
    };
    type Request = Request;
    type Response = List<CapacityView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { zone_id, pod_id, cluster_id, fetch_latest, r#type, sort_by, page } = request;
        let _ = fetch_latest;
        let mut rows = cx
            .db
            .read(move |conn| match (zone_id, pod_id, cluster_id) {
                (_, _, Some(id)) => of_cluster(conn, id),
                (_, Some(id), None) => of_pod(conn, id),
                (zone, None, None) => of_zones(conn, zone),
            })
            .await?;
        rows.retain(|(sum, _)| r#type.is_none_or(|kind| kind == sum.kind));
        if sort_by.is_some_and(|word| word.eq_ignore_ascii_case("usage")) {
            let share = |sum: &Sum| i128::from(sum.used) * 10_000 / i128::from(sum.total.max(1));
            rows.sort_by_key(|(sum, _)| std::cmp::Reverse(share(sum)));
        }
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let view = |(sum, place): (Sum, Place)| CapacityView::at(sum, &place).with_allocated();
        Ok(List::page(count, rows.into_iter().skip(first).take(most).map(view).collect()))
    }
}

type Rows = Vec<(Sum, Place)>;

fn rows(sums: Option<Vec<Sum>>, place: &Place) -> Rows {
    let mut sums = sums.unwrap_or_default();
    sums.sort_by_key(|sum| sum.kind);
    sums.into_iter().map(|sum| (sum, place.clone())).collect()
}

fn of_zones(conn: &mut Conn, id: Option<Id<id::Zone>>) -> Result<Rows> {
    let filter = zone::Filter { ids: id.into_iter().collect(), ..zone::Filter::default() };
    let (_, zones) = zone::list(conn, &filter, &Window::ALL)?;
    let ids: Vec<Id<id::Zone>> = zones.iter().map(|zone| zone.id).collect();
    let mut sums = capacity::sums(conn, &ids)?;
    let mut found = Vec::new();
    for zone in zones {
        let place = Place { zone: Some((zone.id.to_string(), zone.name)), ..Place::default() };
        found.extend(rows(sums.remove(&zone.id), &place));
    }
    Ok(found)
}

fn of_pod(conn: &mut Conn, id: Id<id::Pod>) -> Result<Rows> {
    let filter = pod::Filter { id: Some(id), ..pod::Filter::default() };
    let Some((pod, zone)) = pod::list(conn, &filter, &Window::ALL)?.1.pop() else {
        return Ok(Vec::new());
    };
    let sums = capacity::sums(conn, &[id])?.remove(&id);
    let place = Place {
        zone: Some((pod.zone_id.to_string(), zone)),
        pod: Some((id.to_string(), pod.name)),
        cluster: None,
    };
    Ok(rows(sums, &place))
}

fn of_cluster(conn: &mut Conn, id: Id<id::Cluster>) -> Result<Rows> {
    let filter = cluster::Filter { id: Some(id), ..cluster::Filter::default() };
    let Some((cluster, pod, zone)) = cluster::list(conn, &filter, &Window::ALL)?.1.pop() else {
        return Ok(Vec::new());
    };
    let sums = capacity::sums(conn, &[id])?.remove(&id);
    let place = Place {
        zone: Some((cluster.zone_id.to_string(), zone)),
        pod: Some((cluster.pod_id.to_string(), pod)),
        cluster: Some((id.to_string(), cluster.name)),
    };
    Ok(rows(sums, &place))
}
