//! The `networkoffering` object.

use crate::{
    command::prelude::*,
    commands::annotation::view::{HasAnnotations, annotated_view},
    domain::{Time, infra::GuestType},
    store::network_offering::NetworkOffering,
};

/// A network offering.
#[derive(Debug, View)]
#[view(object = "networkoffering")]
pub struct NetworkOfferingView {
    /// the ID of the network offering
    id: Id<id::NetworkOffering>,
    /// the name of the network offering
    name: String,
    /// the description of the network offering
    display_text: String,
    /// when the network offering was made
    created: Date,
    /// what travels on the network
    traffic_type: &'static str,
    /// whether every cloud has the offering
    is_default: bool,
    /// whether a VLAN must be named with each network
    specify_vlan: bool,
    /// whether several services may share a provider
    conserve_mode: bool,
    /// whether a range of addresses must be named with each network
    specify_ip_ranges: bool,
    /// who must offer it
    availability: &'static str,
    /// whether it can be used
    state: String,
    /// what kind of network it makes
    guest_ip_type: &'static str,
    /// the services of the network
    service: Vec<ServiceView>,
    /// whether it is for VPCs
    for_vpc: bool,
    /// whether it is for NSX
    for_nsx: bool,
    /// whether the network exists without instances
    is_persistent: bool,
    /// whether instances may send by default
    egress_default_policy: bool,
    /// the internet protocol
    internet_protocol: &'static str,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(NetworkOfferingView, id::NetworkOffering);

/// A service of a network.
#[derive(Debug, View)]
#[view(object = "service")]
pub struct ServiceView {
    /// the name of the service
    name: &'static str,
    /// who provides it
    provider: Vec<ProviderView>,
    /// what can be said about it
    capability: Vec<serde_json::Value>,
}

/// Who provides a service.
#[derive(Debug, View)]
#[view(object = "provider")]
pub struct ProviderView {
    /// the name of the provider
    name: &'static str,
}

/// The services of a kind of network. The provider's name is the one that clients know for "the platform itself".
pub fn services(kind: GuestType) -> Vec<ServiceView> {
    let names: &[&str] = match kind {
        GuestType::Isolated => &["UserData", "Dns", "SourceNat", "Dhcp"],
        GuestType::Shared => &["UserData"],
        GuestType::L2 => &[],
    };
    let provider = || vec![ProviderView { name: "VirtualRouter" }];
    names
        .iter()
        .map(|name| ServiceView { name, provider: provider(), capability: Vec::new() })
        .collect()
}

impl From<(NetworkOffering, Time)> for NetworkOfferingView {
    fn from((offering, created): (NetworkOffering, Time)) -> Self {
        let isolated = offering.guest_type == GuestType::Isolated;
        Self {
            id: offering.id,
            name: offering.name,
            display_text: offering.display_text,
            created: Date(created),
            traffic_type: "Guest",
            is_default: offering.is_default,
            specify_vlan: offering.specify_vlan,
            conserve_mode: true,
            specify_ip_ranges: offering.specify_ip_ranges,
            availability: if isolated { "Required" } else { "Optional" },
            state: offering.state,
            guest_ip_type: GuestType::as_str(offering.guest_type),
            service: services(offering.guest_type),
            for_vpc: false,
            for_nsx: false,
            is_persistent: false,
            egress_default_policy: true,
            internet_protocol: "IPv4",
            has_annotations: HasAnnotations::default(),
        }
    }
}
