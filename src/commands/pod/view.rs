//! The `pod` object.

use crate::{
    command::prelude::*,
    commands::{
        annotation::view::{HasAnnotations, annotated_view},
        capacity::view::CapacityView,
    },
    domain::infra::Switch,
    store::pod::Pod,
};

/// A pod.
#[derive(Debug, View)]
#[view(object = "pod")]
pub struct PodView {
    /// the ID of the pod
    id: Id<id::Pod>,
    /// the name of the pod
    name: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// the gateway of the management network
    gateway: String,
    /// the netmask of the management network
    netmask: String,
    /// the ranges of addresses for the service's own use
    #[view(name = "ipranges")]
    ip_ranges: Vec<RangeView>,
    /// the first address of each range
    start_ip: Vec<String>,
    /// the last address of each range
    end_ip: Vec<String>,
    /// whether each range is for system instances only
    #[view(name = "forsystemvms")]
    for_system_vms: Vec<String>,
    /// the VLAN of each range
    vlan_id: Vec<String>,
    /// whether instances may be placed in the pod
    allocation_state: &'static str,
    /// how much there is and how much is in use
    capacity: Option<Vec<CapacityView>>,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(PodView, id::Pod);

/// A range of addresses of a pod.
#[derive(Debug, View)]
#[view(object = "iprange")]
pub struct RangeView {
    /// the first address
    start_ip: String,
    /// the last address
    end_ip: String,
    /// whether the range is for system instances only
    #[view(name = "forsystemvms")]
    for_system_vms: &'static str,
    /// the VLAN of the range
    vlan_id: &'static str,
}

const VLAN: &str = "vlan://untagged";

impl PodView {
    /// A pod with its zone's name.
    pub fn new(pod: Pod, zone_name: String) -> Self {
        let Pod { id, zone_id, name, gateway, netmask, start_ip, end_ip, allocation_state } = pod;
        let end_ip = end_ip.unwrap_or_else(|| start_ip.clone());
        let range = RangeView {
            start_ip: start_ip.clone(),
            end_ip: end_ip.clone(),
            for_system_vms: "0",
            vlan_id: VLAN,
        };
        let (ip_ranges, start_ip, end_ip) = if start_ip.is_empty() {
            (Vec::new(), Vec::new(), Vec::new())
        } else {
            (vec![range], vec![start_ip], vec![end_ip])
        };
        let each = |word: &str| start_ip.iter().map(|_| word.to_owned()).collect();
        Self {
            id,
            name,
            zone_id,
            zone_name,
            gateway,
            netmask,
            for_system_vms: each("0"),
            vlan_id: each(VLAN),
            ip_ranges,
            start_ip,
            end_ip,
            allocation_state: Switch::as_str(allocation_state),
            capacity: None,
            has_annotations: HasAnnotations::default(),
        }
    }

    /// The same with its capacities.
    #[must_use]
    pub fn with_capacity(mut self, capacity: Vec<CapacityView>) -> Self {
        self.capacity = Some(capacity);
        self
    }
}
