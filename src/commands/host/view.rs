//! The `host` object.

use crate::{
    command::prelude::*,
    commands::annotation::view::{HasAnnotations, annotated, annotated_view},
    domain::{
        Time,
        infra::{HostState, Hypervisor, ResourceState},
        machine::{Bytes, Firmware, NodeSize, Told},
    },
    store::{
        capacity::{Taken, percent},
        gpu_count::{Group, HostGpus, Profile},
        host::Named,
    },
};

/// A host.
#[derive(Debug, View)]
#[view(object = "host")]
pub struct HostView {
    /// the ID of the host
    id: Id<id::Host>,
    /// the name of the host
    name: String,
    /// whether the host answers
    state: &'static str,
    /// why the host does not answer
    state_reason: Option<String>,
    /// since when the host does not answer
    disconnected: Option<Date>,
    /// the kind of host
    r#type: &'static str,
    /// the address of the host
    ip_address: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the name of the zone
    zone_name: String,
    /// the ID of the pod
    pod_id: Id<id::Pod>,
    /// the name of the pod
    pod_name: String,
    /// the version of the software that looks after the host
    version: &'static str,
    /// what the host runs
    hypervisor: &'static str,
    /// the number of CPU sockets
    cpu_sockets: i32,
    /// the number of logical CPUs
    cpu_number: i32,
    /// the speed of each CPU in MHz
    cpu_speed: i64,
    /// the share of CPU speed that instances are promised
    cpu_allocated: String,
    /// the CPU speed that instances are promised, in MHz
    cpu_allocated_value: i64,
    /// the share of CPU speed that instances are promised
    cpu_allocated_percentage: String,
    /// the share of CPU speed that instances are promised, overprovisioning counted in
    cpu_allocated_with_overprovisioning: String,
    /// the CPU speed of the whole host in MHz
    cpu_with_overprovisioning: String,
    /// the memory of the host in bytes
    memory_total: i64,
    /// the memory of the host in bytes, overprovisioning counted in
    memory_with_overprovisioning: String,
    /// the memory that instances are promised, in bytes
    memory_allocated: i64,
    /// the share of memory that instances are promised
    memory_allocated_percentage: String,
    /// the memory that instances are promised, in bytes
    memory_allocated_bytes: i64,
    /// the number of GPU devices
    gpu_total: i64,
    /// the number of GPU devices that instances hold
    gpu_used: i64,
    /// the GPU devices by card
    gpu_group: Option<Vec<GpuGroupView>>,
    /// what the host can do
    capabilities: &'static str,
    /// when the host last answered
    last_pinged: Option<Date>,
    /// the ID of the management server that looks after the host
    management_server_id: Id<id::Server>,
    /// the ID of the cluster
    cluster_id: Id<id::Cluster>,
    /// the name of the cluster
    cluster_name: String,
    /// who manages the cluster
    cluster_type: &'static str,
    /// whether local storage is in use
    is_local_storage_active: bool,
    /// when the host was added
    created: Date,
    /// the tags of the host
    host_tags: Option<String>,
    /// the tags of the host that were given to it
    explicit_host_tags: Option<String>,
    /// high availability of the host
    #[view(name = "hostha")]
    host_ha: HostHaView,
    /// out-of-band management of the host
    #[view(name = "outofbandmanagement")]
    out_of_band_management: OutOfBandView,
    /// the administrator's switch
    resource_state: &'static str,
    /// the version of the hypervisor
    hypervisor_version: String,
    /// whether the host is kept for high availability
    ha_host: bool,
    /// what else is known of the host
    #[view(admin)]
    details: Option<BTreeMap<String, String>>,
    /// whether instances can boot by UEFI
    uefi_capability: bool,
    /// the CPU architecture
    arch: String,
    /// whether annotations exist
    has_annotations: HasAnnotations,
    /// whether the GPUs of the host get no new instance
    draining: bool,
}

annotated_view!(HostView, id::Host);

/// The devices of one card on a host.
#[derive(Debug, View)]
#[view(object = "gpugroup")]
pub struct GpuGroupView {
    /// the card's name
    gpu_group_name: String,
    /// its vGPU profiles
    vgpu: Vec<VgpuView>,
}

/// The devices of one profile on a host.
#[derive(Debug, View)]
#[view(object = "vgpu")]
pub struct VgpuView {
    /// the profile's name
    vgpu_type: String,
    /// the video memory in MiB
    video_ram: Option<i64>,
    /// the most displays
    max_heads: Option<i64>,
    /// the most pixels across
    max_resolution_x: Option<i64>,
    /// the most pixels down
    max_resolution_y: Option<i64>,
    /// the most on one physical GPU
    max_vgpu_per_pgpu: Option<i64>,
    /// how many are left
    remaining_capacity: i64,
    /// how many there are
    max_capacity: i64,
}

/// High availability of a host; csgpu does not offer it.
#[derive(Debug, View)]
#[view(object = "hostha")]
pub struct HostHaView {
    /// whether it is on
    ha_enable: bool,
    /// its state
    ha_state: &'static str,
}

/// Out-of-band management of a host; csgpu does not offer it.
#[derive(Debug, View)]
#[view(object = "outofbandmanagement")]
pub struct OutOfBandView {
    /// the power state
    power_state: &'static str,
    /// whether it is on
    enabled: bool,
}

/// What a host's answer is made of beside its row.
#[derive(Debug)]
pub struct Beside {
    /// What instances take of it.
    pub taken: Taken,
    /// Its GPUs.
    pub gpus: HostGpus,
    /// This server.
    pub server: Id<id::Server>,
    /// The database's clock.
    pub now: Time,
}

impl HostView {
    /// A host as clients see it.
    pub fn new((host, zone_name, pod_name, cluster_name): Named, beside: Beside) -> Self {
        let Beside { taken, gpus, server, now } = beside;
        let is_up = host.state == HostState::Up;
        let told = Told::read(host.told.as_deref());
        let details = details(&host, &told);
        let speed = i64::from(host.cpus) * i64::from(host.mhz);
        let cpu = format!("{}%", percent(taken.mhz, speed));
        let groups: Vec<GpuGroupView> = gpus.groups.into_iter().map(GpuGroupView::from).collect();
        Self {
            id: host.id,
            name: host.name,
            state: HostState::as_str(host.state),
            state_reason: host.state_reason,
            disconnected: host.last_seen.filter(|_| !is_up).map(Date),
            r#type: "Routing",
            ip_address: host.ip_address,
            zone_id: host.zone_id,
            zone_name,
            pod_id: host.pod_id,
            pod_name,
            version: "4.22.0.0",
            hypervisor: Hypervisor::as_str(host.hypervisor),
            cpu_sockets: host.sockets,
            cpu_number: host.cpus,
            cpu_speed: i64::from(host.mhz),
            cpu_allocated: cpu.clone(),
            cpu_allocated_value: taken.mhz,
            cpu_allocated_percentage: cpu.clone(),
            cpu_allocated_with_overprovisioning: cpu,
            cpu_with_overprovisioning: speed.to_string(),
            memory_total: host.memory,
            memory_with_overprovisioning: host.memory.to_string(),
            memory_allocated: taken.memory,
            memory_allocated_percentage: format!("{}%", percent(taken.memory, host.memory)),
            memory_allocated_bytes: taken.memory,
            gpu_total: gpus.count.total,
            gpu_used: gpus.count.used,
            gpu_group: Some(groups).filter(|groups| !groups.is_empty()),
            capabilities: "hvm",
            last_pinged: if is_up { Some(Date(now)) } else { host.last_seen.map(Date) },
            management_server_id: server,
            cluster_id: host.cluster_id,
            cluster_name,
            cluster_type: "CloudManaged",
            is_local_storage_active: false,
            created: Date(host.created),
            explicit_host_tags: host.tags.clone(),
            host_tags: host.tags,
            host_ha: HostHaView { ha_enable: false, ha_state: "Disabled" },
            out_of_band_management: OutOfBandView { power_state: "Disabled", enabled: false },
            resource_state: ResourceState::as_str(host.resource_state),
            hypervisor_version: host.version,
            ha_host: false,
            details: Some(details),
            uefi_capability: told.firmware >= Some(Firmware::Uefi),
            arch: host.arch,
            has_annotations: HasAnnotations::default(),
            draining: host.draining,
        }
    }
}

/// What an administrator may want to know and no field has.
fn details(host: &crate::store::host::Host, told: &Told) -> BTreeMap<String, String> {
    let node =
        |it: &NodeSize| format!("{}: {} CPUs, {} MiB of memory", it.node, it.cpus, it.memory >> 20);
    let nodes: Vec<String> = told.nodes.iter().map(node).collect();
    let pairs = [
        ("url", Some(host.uri.clone())),
        ("iommu", Some(if host.iommu { "on" } else { "off" }.to_owned())),
        ("domaintype", Some(host.domain_type.clone())),
        ("secureboot", told.firmware.map(|most| (most >= Firmware::SecureUefi).to_string())),
        ("numanodes", (!nodes.is_empty()).then(|| nodes.join("; "))),
        ("hugepages", told.pages.as_ref().map(pages).filter(|text| !text.is_empty())),
        ("gpusleftout", host.left_out.clone()),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// `1024 of 2M, 16 of 1G`: those that there are.
fn pages(all: &BTreeMap<Bytes, u64>) -> String {
    let name = |size: Bytes| match size >> 30 {
        0 => format!("{}M", size >> 20),
        many => format!("{many}G"),
    };
    let there = all.iter().filter(|(_, count)| **count > 0);
    let each: Vec<String> =
        there.map(|(size, count)| format!("{count} of {}", name(*size))).collect();
    each.join(", ")
}

impl From<Group> for GpuGroupView {
    fn from(group: Group) -> Self {
        let vgpu = group.profiles.into_iter().map(VgpuView::from).collect();
        Self { gpu_group_name: group.card, vgpu }
    }
}

impl From<Profile> for VgpuView {
    fn from(profile: Profile) -> Self {
        Self {
            vgpu_type: profile.name,
            video_ram: profile.video_ram,
            max_heads: profile.max_heads,
            max_resolution_x: profile.max_resolution_x,
            max_resolution_y: profile.max_resolution_y,
            max_vgpu_per_pgpu: profile.max_per_gpu,
            remaining_capacity: (profile.count.total - profile.count.used).max(0),
            max_capacity: profile.count.total,
        }
    }
}

/// The views of these hosts. Five statements beside their own.
pub fn views(conn: &mut Conn, rows: Vec<Named>, server: Id<id::Server>) -> Result<Vec<HostView>> {
    let ids: Vec<Id<id::Host>> = rows.iter().map(|(host, ..)| host.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let taken = crate::store::capacity::taken(conn, &ids)?;
    let mut gpus = crate::store::gpu_count::by_host(conn, &ids)?;
    let now = crate::store::now(conn)?;
    let view = |row: Named| {
        let id = row.0.id;
        let taken = taken.get(&id).copied().unwrap_or_default();
        let gpus = gpus.remove(&id).unwrap_or_default();
        HostView::new(row, Beside { taken, gpus, server, now })
    };
    annotated(conn, rows.into_iter().map(view))
}

/// The view of one host. Error: not found.
pub fn one(conn: &mut Conn, id: Id<id::Host>, server: Id<id::Server>) -> Result<HostView> {
    let filter = crate::store::host::Filter { id: Some(id), ..Default::default() };
    let (_, rows) = crate::store::host::list(conn, &filter, &crate::store::Window::ALL)?;
    let found = views(conn, rows, server)?.pop();
    found.ok_or_else(|| Error::NotFound { what: "host", id: id.to_string() })
}
