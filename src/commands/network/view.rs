//! The `network` object.

use crate::{
    command::{OwnerFields, prelude::*},
    commands::{
        annotation::view::{HasAnnotations, annotated, annotated_view},
        network_offering::view::{ServiceView, services},
        tag::view::{TagView, views as tag_views},
    },
    domain::{identity::shown_path, infra::GuestType},
    store::{
        network::{self, Named},
        tag,
    },
};

/// A network.
#[derive(Debug, View)]
#[view(object = "network")]
pub struct NetworkView {
    /// the ID of the network
    id: Id<id::Network>,
    /// the name of the network
    name: String,
    /// the description of the network
    display_text: String,
    /// how the network is told from others
    broadcast_domain_type: &'static str,
    /// what travels on it
    traffic_type: &'static str,
    /// the gateway
    gateway: Option<String>,
    /// the netmask
    netmask: Option<String>,
    /// the range of addresses
    cidr: Option<String>,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// the ID of the network offering
    network_offering_id: Id<id::NetworkOffering>,
    /// the name of the network offering
    network_offering_name: String,
    /// the description of the network offering
    network_offering_display_text: String,
    /// whether several services may share a provider
    network_offering_conserve_mode: bool,
    /// who must offer it
    network_offering_availability: &'static str,
    /// whether it is the service's own
    is_system: bool,
    /// whether an instance is in it
    state: String,
    /// the ID of the network
    related: Id<id::Network>,
    /// how the network is told from others
    #[view(admin)]
    broadcast_uri: Option<String>,
    /// the first DNS server
    dns1: String,
    /// the second DNS server
    dns2: Option<String>,
    /// what kind of network it is
    r#type: &'static str,
    /// the VLAN
    #[view(admin)]
    vlan: Option<String>,
    /// who may use it
    acl_type: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the domain
    domain_id: Id<id::Domain>,
    /// the name of the domain
    domain: String,
    /// the path of the domain
    domain_path: String,
    /// the services of the network
    service: Vec<ServiceView>,
    /// the domain of host names
    network_domain: Option<String>,
    /// the ID of the physical network
    physical_network_id: Option<Id<id::PhysicalNetwork>>,
    /// whether it must be restarted
    restart_required: bool,
    /// whether a VLAN must be named with each network
    specify_vlan: bool,
    /// whether a range of addresses must be named with each network
    specify_ip_ranges: bool,
    /// whether instances can be placed in it
    can_use_for_deploy: bool,
    /// whether it exists without instances
    is_persistent: bool,
    /// the tags of the network
    tags: Vec<TagView>,
    /// what else is known of the network
    details: BTreeMap<String, String>,
    /// whether users see it
    #[view(admin)]
    display_network: Option<bool>,
    /// whether it spans zones
    #[view(name = "strechedl2subnet")]
    stretched_l2_subnet: bool,
    /// whether its router is doubled
    redundant_router: bool,
    /// whether groups of instances can grow in it
    supports_vm_autoscaling: bool,
    /// when it was made
    created: Date,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(NetworkView, id::Network);

impl From<Named> for NetworkView {
    fn from(named: Named) -> Self {
        let Named { network, created, zone, offering, owner, domain } = named;
        let is_bridge = network.guest_type != GuestType::Isolated;
        let vlan = network.vlan.filter(|_| is_bridge);
        Self {
            id: network.id,
            name: network.name,
            display_text: network.display_text,
            broadcast_domain_type: if is_bridge { "Vlan" } else { "Native" },
            traffic_type: "Guest",
            gateway: network.gateway,
            netmask: network.netmask,
            cidr: network.cidr,
            zone_id: network.zone_id,
            zone_name: zone.0,
            network_offering_id: network.offering_id,
            network_offering_name: offering.0,
            network_offering_display_text: offering.1,
            network_offering_conserve_mode: true,
            network_offering_availability: if is_bridge { "Optional" } else { "Required" },
            is_system: false,
            state: network.state,
            related: network.id,
            broadcast_uri: vlan.as_ref().map(|vlan| format!("vlan://{vlan}")),
            dns1: zone.1,
            dns2: zone.2,
            r#type: GuestType::as_str(network.guest_type),
            vlan,
            acl_type: network.acl_type,
            owner: owner.into(),
            domain_id: network.domain_id,
            domain: domain.0,
            domain_path: shown_path(&domain.1),
            service: services(network.guest_type),
            network_domain: network.network_domain,
            physical_network_id: network.physical_network_id,
            restart_required: false,
            specify_vlan: network.guest_type == GuestType::Shared,
            specify_ip_ranges: network.guest_type == GuestType::Shared,
            can_use_for_deploy: true,
            is_persistent: false,
            tags: Vec::new(),
            details: BTreeMap::new(),
            display_network: Some(true),
            stretched_l2_subnet: false,
            redundant_router: false,
            supports_vm_autoscaling: false,
            created: Date(created),
            has_annotations: HasAnnotations::default(),
        }
    }
}

/// The views of these networks. Two statements.
pub(super) fn views(conn: &mut Conn, rows: Vec<Named>) -> Result<Vec<NetworkView>> {
    let ids: Vec<Id<id::Network>> = rows.iter().map(|row| row.network.id).collect();
    let mut tags = tag::of(conn, &ids)?;
    let view = |row: Named| {
        let tags = tag_views(tags.remove(&row.network.id));
        NetworkView { tags, ..NetworkView::from(row) }
    };
    annotated(conn, rows.into_iter().map(view))
}

/// The view of one network. Error: not found.
pub(super) fn one(conn: &mut Conn, id: Id<id::Network>) -> Result<NetworkView> {
    let named = network::named(conn, id)?;
    let found = views(conn, vec![named])?.pop();
    found.ok_or_else(|| Error::NotFound { what: "network", id: id.to_string() })
}
