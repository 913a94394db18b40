//! The `virtualmachine` object.

use crate::{
    command::{OwnerFields, prelude::*},
    commands::{
        affinity_group::view::AffinityGroupView,
        annotation::view::HasAnnotations,
        tag::{self, view::TagView},
    },
    domain::{identity::shown_path, machine::Firmware},
    store::{
        annotation::Noted,
        owner::OwnerName,
        vm::{GpuFacts, Listed, NicFacts},
    },
};

/// An instance.
#[derive(Debug, View)]
#[view(object = "virtualmachine")]
pub struct VmView {
    /// the ID of the instance
    id: Id<id::Vm>,
    /// the host name of the instance
    name: String,
    /// the name of the instance that its owner sees
    display_name: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the user who created the instance
    user_id: Id<id::User>,
    /// the name of the user who created the instance
    username: String,
    /// the ID of the owner's domain
    domain_id: Id<id::Domain>,
    /// the name of the owner's domain
    domain: String,
    /// the path of the owner's domain
    domain_path: String,
    /// when the instance was created
    created: Date,
    /// when the instance last changed
    last_updated: Date,
    /// the state of the instance
    state: String,
    /// whether the instance asks for high availability
    ha_enable: bool,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// the ID of the host it runs on
    #[view(admin)]
    host_id: Option<Id<id::Host>>,
    /// the name of the host it runs on
    #[view(admin)]
    host_name: Option<String>,
    /// whether the host takes new instances
    #[view(admin)]
    host_control_state: Option<String>,
    /// the ID of the template
    template_id: Id<id::Template>,
    /// the name of the template
    template_name: Option<String>,
    /// the type of the template
    template_type: Option<String>,
    /// the format of the template
    template_format: Option<String>,
    /// the description of the template
    template_display_text: Option<String>,
    /// whether passwords are set by the cloud
    password_enabled: bool,
    /// the ID of the service offering
    service_offering_id: Option<Id<id::ServiceOffering>>,
    /// the name of the service offering
    service_offering_name: Option<String>,
    /// the ID of the GPU offering
    gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// the name of the GPU offering
    gpu_offering_name: Option<String>,
    /// the ID of the GPU card
    #[view(admin)]
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the name of the GPU card
    gpu_card_name: Option<String>,
    /// the ID of the vGPU profile
    #[view(admin)]
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the name of the vGPU profile
    vgpu_profile_name: Option<String>,
    /// the video memory of one GPU in MiB
    video_ram: Option<i64>,
    /// the number of heads of one GPU
    max_heads: Option<i64>,
    /// the horizontal resolution
    max_resolution_x: Option<i64>,
    /// the vertical resolution
    max_resolution_y: Option<i64>,
    /// the number of GPUs
    gpu_count: Option<i32>,
    /// the number of CPUs
    cpu_number: Option<i32>,
    /// the CPU speed in MHz
    cpu_speed: Option<i32>,
    /// the memory in MiB
    memory: Option<i32>,
    /// the name of the vGPU profile
    vgpu: Option<String>,
    /// the ID of the operating system type
    guest_os_id: Id<id::OsType>,
    /// the place of the root disk
    root_device_id: i64,
    /// the type of the root device
    root_device_type: &'static str,
    /// the security groups of the instance
    security_group: Vec<String>,
    /// the network interfaces
    nic: Vec<NicView>,
    /// the kind of host
    hypervisor: String,
    /// the address of the default interface
    ip_address: Option<String>,
    /// the name of the instance on its host
    #[view(admin)]
    instance_name: Option<String>,
    /// the details of the instance
    details: Option<BTreeMap<String, String>>,
    /// the names of the SSH key pairs, joined by commas
    key_pairs: Option<String>,
    /// the affinity groups of the instance
    affinity_group: Vec<AffinityGroupView>,
    /// whether its owner sees the instance
    display_vm: bool,
    /// whether the instance can be scaled while it runs
    is_dynamically_scalable: bool,
    /// whether the instance is protected from being deleted
    delete_protection: bool,
    /// the ID of the operating system type
    os_type_id: Id<id::OsType>,
    /// the name of the operating system type
    os_display_name: String,
    /// the boot mode
    boot_mode: &'static str,
    /// the boot type
    boot_type: &'static str,
    /// the kind of the storage pool
    #[view(admin)]
    pool_type: Option<String>,
    /// the user data, when it was asked for
    user_data: Option<String>,
    /// the CPU architecture
    arch: String,
    /// the tags of the instance
    tags: Vec<TagView>,
    /// whether the instance has annotations
    has_annotations: HasAnnotations,
}

/// A network interface.
#[derive(Debug, View)]
#[view(object = "nic")]
pub struct NicView {
    /// the ID of the network interface
    id: Id<id::Nic>,
    /// the ID of the network
    network_id: Id<id::Network>,
    /// the name of the network
    network_name: String,
    /// the netmask
    netmask: Option<String>,
    /// the gateway
    gateway: Option<String>,
    /// the address
    ip_address: Option<String>,
    /// the isolation URI
    isolation_uri: Option<String>,
    /// the broadcast URI
    broadcast_uri: Option<String>,
    /// the traffic type
    traffic_type: &'static str,
    /// the type of the network
    r#type: String,
    /// whether the default route is here
    is_default: bool,
    /// the MAC address
    mac_address: String,
    /// the secondary addresses
    secondary_ip: Vec<String>,
    /// the DHCP options
    extra_dhcp_option: Vec<String>,
    /// the place of the interface in the instance, from 0
    device_id: String,
}

impl From<NicFacts> for NicView {
    fn from(nic: NicFacts) -> Self {
        let uri = nic.vlan.map(|vlan| format!("vlan://{vlan}"));
        Self {
            id: nic.id,
            network_id: nic.network,
            network_name: nic.network_name,
            netmask: nic.netmask.filter(|_| nic.ip.is_some()),
            gateway: nic.gateway.filter(|_| nic.ip.is_some()),
            ip_address: nic.ip,
            isolation_uri: uri.clone(),
            broadcast_uri: uri,
            traffic_type: "Guest",
            r#type: nic.guest_type,
            is_default: nic.is_default,
            mac_address: nic.mac,
            secondary_ip: Vec::new(),
            extra_dhcp_option: Vec::new(),
            device_id: nic.device_index.to_string(),
        }
    }
}

impl From<Listed> for VmView {
    #[expect(clippy::too_many_lines, reason = "one line a field")]
    fn from(listed: Listed) -> Self {
        let Listed { row, nics, gpus, details, user_data, groups, tags } = listed;
        let ip_address = nics.iter().find(|nic| nic.is_default).and_then(|nic| nic.ip.clone());
        let (boot_type, boot_mode) = Firmware::read(row.uefi.as_deref()).words();
        let mut view = Self {
            id: row.id,
            name: row.name,
            display_name: row.display_name,
            owner: OwnerName::new(row.account, row.project_id, row.project).into(),
            user_id: row.user_id,
            username: row.username,
            domain_id: row.domain_id,
            domain: row.domain,
            domain_path: shown_path(&row.domain_path),
            created: row.created.into(),
            last_updated: row.updated.into(),
            state: row.state,
            ha_enable: row.offer_ha,
            zone_id: row.zone_id,
            zone_name: row.zone,
            host_id: row.host_id,
            host_name: row.host,
            host_control_state: row.host_control_state,
            template_id: row.template_id,
            template_name: Some(row.template),
            template_type: Some(row.template_kind),
            template_format: Some(row.template_format),
            template_display_text: Some(row.template_text),
            password_enabled: false,
            service_offering_id: Some(row.offering_id),
            service_offering_name: Some(row.offering),
            gpu_offering_id: row.gpu_offering_id,
            gpu_offering_name: row.gpu_offering,
            gpu_card_id: None,
            vgpu_profile_id: None,
            video_ram: None,
            max_heads: None,
            max_resolution_x: None,
            max_resolution_y: None,
            gpu_card_name: None,
            vgpu: None,
            vgpu_profile_name: None,
            gpu_count: None,
            cpu_number: Some(row.cpu_number),
            cpu_speed: Some(row.cpu_speed),
            memory: Some(row.memory_mib),
            guest_os_id: row.os_type_id,
            root_device_id: 0,
            root_device_type: "ROOT",
            security_group: Vec::new(),
            nic: nics.into_iter().map(NicView::from).collect(),
            hypervisor: row.hypervisor,
            ip_address,
            instance_name: Some(row.instance_name),
            details: Some(details),
            key_pairs: row.key_pairs,
            affinity_group: groups.into_iter().map(AffinityGroupView::of_instance).collect(),
            display_vm: row.is_displayed,
            is_dynamically_scalable: false,
            delete_protection: false,
            os_type_id: row.os_type_id,
            os_display_name: row.os_type,
            boot_mode,
            boot_type,
            pool_type: row.pool_kind,
            user_data,
            arch: row.arch,
            tags: tag::view::views(Some(tags)),
            has_annotations: HasAnnotations(Noted {
                admins: row.notes.is_some(),
                all: row.notes == Some(2),
            }),
        };
        if let Some((gpu, count)) = gpus {
            view.show_gpus(gpu, count);
        }
        view
    }
}

/// The user data of an instance.
#[derive(Debug, View)]
#[view(object = "virtualmachineuserdata")]
pub struct UserDataView {
    /// the ID of the instance
    pub(super) virtual_machine_id: Id<id::Vm>,
    /// the user data in base64
    pub(super) user_data: Option<String>,
}

impl VmView {
    /// What its GPUs are, and how many.
    fn show_gpus(&mut self, gpu: GpuFacts, count: i32) {
        self.gpu_card_id = Some(gpu.card);
        self.gpu_card_name = Some(gpu.card_name);
        self.vgpu_profile_id = Some(gpu.profile);
        self.vgpu = Some(gpu.profile_name.clone());
        self.vgpu_profile_name = Some(gpu.profile_name);
        self.video_ram = gpu.video_ram;
        self.max_heads = gpu.max_heads;
        self.max_resolution_x = gpu.max_resolution_x;
        self.max_resolution_y = gpu.max_resolution_y;
        self.gpu_count = Some(count);
    }

    /// Leaves out what `details` did not name.
    pub(super) fn shorten(&mut self, parts: &super::list::Parts) {
        if !parts.template {
            (self.template_name, self.template_type) = (None, None);
            (self.template_format, self.template_display_text) = (None, None);
        }
        if !parts.offering {
            (self.service_offering_id, self.service_offering_name) = (None, None);
            (self.cpu_number, self.cpu_speed, self.memory) = (None, None, None);
        }
        if !parts.all {
            self.details = None;
        }
    }
}
