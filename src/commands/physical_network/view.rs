//! The `physicalnetwork` and `traffictype` objects.

use crate::{
    command::prelude::*,
    domain::infra::Switch,
    store::physical_network::{PhysicalNetwork, TrafficType},
};

/// A physical network.
#[derive(Debug, View)]
#[view(object = "physicalnetwork")]
pub struct PhysicalNetworkView {
    /// the ID of the physical network
    id: Id<id::PhysicalNetwork>,
    /// the name of the physical network
    name: String,
    /// how far broadcasts go
    broadcast_domain_range: &'static str,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// whether networks may be made on it
    state: &'static str,
    /// the VLANs that were written down for it
    vlan: Option<String>,
    /// the tags of the physical network
    tags: Option<String>,
    /// how networks are separated
    isolation_methods: Option<String>,
    /// its speed
    network_speed: Option<String>,
}

impl From<(PhysicalNetwork, String)> for PhysicalNetworkView {
    fn from((network, zone_name): (PhysicalNetwork, String)) -> Self {
        Self {
            id: network.id,
            name: network.name,
            broadcast_domain_range: "ZONE",
            zone_id: network.zone_id,
            zone_name,
            state: Switch::as_str(network.state),
            vlan: network.vlan,
            tags: network.tags,
            isolation_methods: network.isolation_methods,
            network_speed: network.speed,
        }
    }
}

/// What travels on a physical network.
#[derive(Debug, View)]
#[view(object = "traffictype")]
pub struct TrafficTypeView {
    /// the ID of the traffic type
    id: Id<id::TrafficType>,
    /// what travels: Guest, Management, Public or Storage
    traffic_type: String,
    /// the ID of the physical network
    physical_network_id: Id<id::PhysicalNetwork>,
    /// the bridge of KVM hosts that carries it
    kvm_network_label: Option<String>,
}

impl From<TrafficType> for TrafficTypeView {
    fn from(traffic: TrafficType) -> Self {
        Self {
            id: traffic.id,
            traffic_type: traffic.kind,
            physical_network_id: traffic.physical_network_id,
            kvm_network_label: traffic.label,
        }
    }
}
