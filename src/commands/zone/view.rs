//! The `zone` object.

use crate::{
    command::prelude::*,
    commands::{
        annotation::view::{HasAnnotations, annotated_view},
        capacity::view::CapacityView,
        tag::view::TagView,
    },
    domain::infra::{NetworkType, Switch},
    store::{gpu_count::Count, zone::Zone},
};

/// A zone.
#[derive(Debug, View)]
#[view(object = "zone")]
pub struct ZoneView {
    /// the ID of the zone
    id: Id<id::Zone>,
    /// the name of the zone
    name: String,
    /// the first DNS server of instances
    #[view(admin)]
    dns1: Option<String>,
    /// the second DNS server of instances
    #[view(admin)]
    dns2: Option<String>,
    /// the first DNS server of the service's own
    #[view(admin)]
    internal_dns1: Option<String>,
    /// the second DNS server of the service's own
    #[view(admin)]
    internal_dns2: Option<String>,
    /// the network that isolated networks are cut from
    #[view(admin)]
    guest_cidr_address: Option<String>,
    /// the domain of host names
    domain: Option<String>,
    /// the network type: Basic or Advanced
    network_type: &'static str,
    /// whether security groups are in use
    security_groups_enabled: bool,
    /// the number of GPU devices
    #[view(name = "gputotal")]
    gpu_total: i64,
    /// the number of GPU devices that instances hold
    #[view(name = "gpuused")]
    gpu_used: i64,
    /// whether instances may be placed in the zone
    allocation_state: &'static str,
    /// what serves addresses to instances
    #[view(admin)]
    dhcp_provider: Option<&'static str>,
    /// how much there is and how much is in use
    #[view(admin)]
    capacity: Option<Vec<CapacityView>>,
    /// whether disks may lie on the hosts themselves
    local_storage_enabled: bool,
    /// the tags of the zone, of which there are none
    tags: Vec<TagView>,
    /// whether users may choose the MTU
    allow_user_specify_vr_mtu: bool,
    /// the kind of zone
    r#type: &'static str,
    /// whether the zone uses NSX
    is_nsx_enabled: bool,
    /// whether hosts of several architectures are in the zone
    is_multi_arch: bool,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(ZoneView, id::Zone);

impl ZoneView {
    /// A zone with its GPUs.
    pub fn new(zone: Zone, gpus: Count) -> Self {
        let Zone { id, name, dns1, dns2, internal_dns1, internal_dns2, .. } = zone;
        Self {
            id,
            name,
            dns1: Some(dns1),
            dns2,
            internal_dns1: Some(internal_dns1),
            internal_dns2,
            guest_cidr_address: zone.guest_cidr,
            domain: zone.network_domain,
            network_type: NetworkType::as_str(zone.network_type),
            security_groups_enabled: false,
            gpu_total: gpus.total,
            gpu_used: gpus.used,
            allocation_state: Switch::as_str(zone.allocation_state),
            dhcp_provider: Some("VirtualRouter"),
            capacity: None,
            local_storage_enabled: zone.local_storage,
            tags: Vec::new(),
            allow_user_specify_vr_mtu: false,
            r#type: "Core",
            is_nsx_enabled: false,
            is_multi_arch: false,
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
