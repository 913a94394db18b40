//! The `cluster` object.

use crate::{
    command::prelude::*,
    commands::{
        annotation::view::{HasAnnotations, annotated_view},
        capacity::view::CapacityView,
    },
    domain::infra::{Hypervisor, Switch},
    store::cluster::Named,
};

/// A cluster.
#[derive(Debug, View)]
#[view(object = "cluster")]
pub struct ClusterView {
    /// the ID of the cluster
    id: Id<id::Cluster>,
    /// the name of the cluster
    name: String,
    /// the ID of the pod
    pod_id: Id<id::Pod>,
    /// the name of the pod
    pod_name: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// what the hosts run
    hypervisor_type: &'static str,
    /// who manages the cluster
    cluster_type: &'static str,
    /// whether instances may be placed in the cluster
    allocation_state: &'static str,
    /// whether the cluster is managed
    managed_state: &'static str,
    /// how much there is and how much is in use
    capacity: Option<Vec<CapacityView>>,
    /// how often each CPU may be promised
    cpu_overcommit_ratio: &'static str,
    /// how often the memory may be promised
    memory_overcommit_ratio: &'static str,
    /// the details of the cluster
    resource_details: BTreeMap<String, String>,
    /// the CPU architecture of the hosts
    arch: &'static str,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(ClusterView, id::Cluster);

impl From<Named> for ClusterView {
    fn from((cluster, pod_name, zone_name): Named) -> Self {
        let ratios = ["memoryOvercommitRatio", "cpuOvercommitRatio"];
        Self {
            id: cluster.id,
            name: cluster.name,
            pod_id: cluster.pod_id,
            pod_name,
            zone_id: cluster.zone_id,
            zone_name,
            hypervisor_type: Hypervisor::as_str(cluster.hypervisor),
            cluster_type: "CloudManaged",
            allocation_state: Switch::as_str(cluster.allocation_state),
            managed_state: "Managed",
            capacity: None,
            cpu_overcommit_ratio: "1.0",
            memory_overcommit_ratio: "1.0",
            resource_details: ratios.map(|name| (name.to_owned(), "1.0".to_owned())).into(),
            arch: "x86_64",
            has_annotations: HasAnnotations::default(),
        }
    }
}

impl ClusterView {
    /// The same with its capacities.
    #[must_use]
    pub fn with_capacity(mut self, capacity: Vec<CapacityView>) -> Self {
        self.capacity = Some(capacity);
        self
    }
}
