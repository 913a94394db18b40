//! The `capacity` object.

use crate::{
    command::prelude::*,
    store::capacity::{Sum, name, percent},
};

/// How much there is of one thing and how much is in use.
#[derive(Debug, View)]
#[view(object = "capacity")]
pub struct CapacityView {
    /// the capacity type
    r#type: i32,
    /// the capacity type's name
    name: &'static str,
    /// the ID of the zone
    zone_id: Option<String>,
    /// the name of the zone
    zone_name: Option<String>,
    /// the ID of the pod
    pod_id: Option<String>,
    /// the name of the pod
    pod_name: Option<String>,
    /// the ID of the cluster
    cluster_id: Option<String>,
    /// the name of the cluster
    cluster_name: Option<String>,
    /// what is promised to instances
    capacity_allocated: Option<i64>,
    /// what is in use
    capacity_used: i64,
    /// all there is
    capacity_total: i64,
    /// the share in use, in percent
    percent_used: String,
}

/// Where a capacity is: id and name of zone, pod and cluster, as far as known.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Id and name of the zone.
    pub zone: Option<(String, String)>,
    /// Id and name of the pod.
    pub pod: Option<(String, String)>,
    /// Id and name of the cluster.
    pub cluster: Option<(String, String)>,
}

impl CapacityView {
    /// A sum somewhere.
    pub fn at(sum: Sum, place: &Place) -> Self {
        let split = |pair: &Option<(String, String)>| pair.clone().unzip();
        let (zone_id, zone_name) = split(&place.zone);
        let (pod_id, pod_name) = split(&place.pod);
        let (cluster_id, cluster_name) = split(&place.cluster);
        Self {
            r#type: sum.kind,
            name: name(sum.kind),
            zone_id,
            zone_name,
            pod_id,
            pod_name,
            cluster_id,
            cluster_name,
            capacity_allocated: None,
            capacity_used: sum.used,
            capacity_total: sum.total,
            percent_used: percent(sum.used, sum.total),
        }
    }

    /// With what is promised, which here is what is in use.
    #[must_use]
    pub fn with_allocated(mut self) -> Self {
        self.capacity_allocated = Some(self.capacity_used);
        self
    }

    /// All sums of one zone, pod or cluster, as they stand inside its own object.
    pub fn inside(sums: Vec<Sum>) -> Vec<Self> {
        let place = Place::default();
        sums.into_iter().map(|sum| Self::at(sum, &place)).collect()
    }
}
