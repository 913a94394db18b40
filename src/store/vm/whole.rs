//! Instances with everything an answer says of them, in a number of statements that does not grow with the page.

use crate::{
    domain::{Id, Time, id},
    error::{Error, Result},
    store::{
        Conn, affinity_group,
        detail::{self, Details},
        prepared::{marks, prepared},
        schema::{gpu_allocation, gpu_card, gpu_device, network, nic, vgpu_profile, vm},
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, Queryable, QueryableByName,
    RunQueryDsl,
    sql_types::{Bool, Datetime, Integer, Nullable, Text},
};
use std::collections::HashMap;

/// Which parts are wanted beyond the instance's own row.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Network interfaces.
    pub nics: bool,
    /// GPUs.
    pub gpus: bool,
    /// Details.
    pub details: bool,
    /// User data.
    pub user_data: bool,
    /// Affinity groups.
    pub groups: bool,
}

impl Wanted {
    /// Everything but the user data.
    pub const ALL: Self =
        Self { nics: true, gpus: true, details: true, user_data: false, groups: true };
}

/// The row and the names of what it points at.
#[derive(Debug, Clone, QueryableByName)]
pub struct Row {
    /// Its id.
    #[diesel(sql_type = Text)]
    pub id: Id<id::Vm>,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its display name.
    #[diesel(sql_type = Text)]
    pub display_name: String,
    /// Its instance name.
    #[diesel(sql_type = Text)]
    pub instance_name: String,
    /// Its state.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Its account.
    #[diesel(sql_type = Text)]
    pub account: String,
    /// The project that the account stands for.
    #[diesel(sql_type = Nullable<Text>)]
    pub project_id: Option<Id<id::Project>>,
    /// The name of that project.
    #[diesel(sql_type = Nullable<Text>)]
    pub project: Option<String>,
    /// Its user id.
    #[diesel(sql_type = Text)]
    pub user_id: Id<id::User>,
    /// Its username.
    #[diesel(sql_type = Text)]
    pub username: String,
    /// Its domain id.
    #[diesel(sql_type = Text)]
    pub domain_id: Id<id::Domain>,
    /// Its domain.
    #[diesel(sql_type = Text)]
    pub domain: String,
    /// Its domain path.
    #[diesel(sql_type = Text)]
    pub domain_path: String,
    /// Its zone id.
    #[diesel(sql_type = Text)]
    pub zone_id: Id<id::Zone>,
    /// Its zone.
    #[diesel(sql_type = Text)]
    pub zone: String,
    /// Its host id.
    #[diesel(sql_type = Nullable<Text>)]
    pub host_id: Option<Id<id::Host>>,
    /// Its host.
    #[diesel(sql_type = Nullable<Text>)]
    pub host: Option<String>,
    /// Its host control state.
    #[diesel(sql_type = Nullable<Text>)]
    pub host_control_state: Option<String>,
    /// Its template id.
    #[diesel(sql_type = Text)]
    pub template_id: Id<id::Template>,
    /// Its template.
    #[diesel(sql_type = Text)]
    pub template: String,
    /// Its template kind.
    #[diesel(sql_type = Text)]
    pub template_kind: String,
    /// Its template format.
    #[diesel(sql_type = Text)]
    pub template_format: String,
    /// Its template text.
    #[diesel(sql_type = Text)]
    pub template_text: String,
    /// Its arch.
    #[diesel(sql_type = Text)]
    pub arch: String,
    /// Its os type id.
    #[diesel(sql_type = Text)]
    pub os_type_id: Id<id::OsType>,
    /// Its os type.
    #[diesel(sql_type = Text)]
    pub os_type: String,
    /// Its offering id.
    #[diesel(sql_type = Text)]
    pub offering_id: Id<id::ServiceOffering>,
    /// Its offering.
    #[diesel(sql_type = Text)]
    pub offering: String,
    /// Its gpu offering id.
    #[diesel(sql_type = Nullable<Text>)]
    pub gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// Its gpu offering.
    #[diesel(sql_type = Nullable<Text>)]
    pub gpu_offering: Option<String>,
    /// Its pool kind.
    #[diesel(sql_type = Nullable<Text>)]
    pub pool_kind: Option<String>,
    /// Its virtual CPUs.
    #[diesel(sql_type = Integer)]
    pub cpu_number: i32,
    /// Its CPU speed in MHz.
    #[diesel(sql_type = Integer)]
    pub cpu_speed: i32,
    /// Its memory in MiB.
    #[diesel(sql_type = Integer)]
    pub memory_mib: i32,
    /// Its demand.
    #[diesel(sql_type = Nullable<Text>)]
    pub demand: Option<String>,
    /// Its key pairs.
    #[diesel(sql_type = Nullable<Text>)]
    pub key_pairs: Option<String>,
    /// Its hypervisor.
    #[diesel(sql_type = Text)]
    pub hypervisor: String,
    /// Its visibility to its owner.
    #[diesel(sql_type = Bool)]
    pub is_displayed: bool,
    /// Its wish for high availability.
    #[diesel(sql_type = Bool)]
    pub offer_ha: bool,
    /// Its being in affinity groups.
    #[diesel(sql_type = Bool)]
    pub is_grouped: bool,
    /// How it boots by UEFI; none: it does not.
    #[diesel(sql_type = Nullable<Text>)]
    pub uefi: Option<String>,
    /// Its created.
    #[diesel(sql_type = Datetime)]
    pub created: Time,
    /// Its updated.
    #[diesel(sql_type = Datetime)]
    pub updated: Time,
}

const QUERY: &str = "SELECT vm.id, vm.name, vm.display_name, vm.instance_name, vm.state, \
    account.name AS account, project.id AS project_id, project.name AS project, vm.user_id, `user`.username, vm.domain_id, domain.name AS domain, \
    domain.path AS domain_path, vm.zone_id, zone.name AS zone, vm.host_id, host.name AS host, \
    host.resource_state AS host_control_state, vm.template_id, template.name AS template, \
    template.kind AS template_kind, template.format AS template_format, \
    template.display_text AS template_text, template.arch, template.os_type_id, \
    os_type.name AS os_type, vm.offering_id, service_offering.name AS offering, \
    vm.gpu_offering_id, gpu_offering.name AS gpu_offering, storage_pool.kind AS pool_kind, \
    vm.cpu_number, vm.cpu_speed, vm.memory_mib, vm.demand, vm.key_pairs, vm.hypervisor, \
    vm.is_displayed, service_offering.offer_ha, vm.created, vm.updated, \
    (SELECT d.value FROM detail d WHERE d.owner_id = vm.id AND d.name = 'UEFI') AS uefi, \
    EXISTS (SELECT 1 FROM affinity_member m WHERE m.vm_id = vm.id) AS is_grouped \
    FROM vm JOIN account ON account.id = vm.account_id JOIN `user` ON `user`.id = vm.user_id \
    JOIN domain ON domain.id = vm.domain_id JOIN zone ON zone.id = vm.zone_id \
    JOIN template ON template.id = vm.template_id JOIN os_type ON os_type.id = template.os_type_id \
    JOIN service_offering ON service_offering.id = vm.offering_id \
    LEFT JOIN project ON project.account_id = vm.account_id \
    LEFT JOIN host ON host.id = vm.host_id \
    LEFT JOIN gpu_offering ON gpu_offering.id = vm.gpu_offering_id \
    LEFT JOIN storage_pool ON storage_pool.id = vm.pool_id";

/// A network interface with its network.
#[derive(Debug, Clone, Queryable)]
pub struct NicFacts {
    /// Its id.
    pub id: Id<id::Nic>,
    /// Its instance.
    pub vm: Id<id::Vm>,
    /// Its network.
    pub network: Id<id::Network>,
    /// Its network name.
    pub network_name: String,
    /// Its guest type.
    pub guest_type: String,
    /// Its netmask.
    pub netmask: Option<String>,
    /// Its gateway.
    pub gateway: Option<String>,
    /// Its VLAN.
    pub vlan: Option<String>,
    /// Its MAC address.
    pub mac: String,
    /// Its address.
    pub ip: Option<String>,
    /// Its device index.
    pub device_index: i32,
    /// Its being the default one.
    pub is_default: bool,
}

/// A profile with its card.
#[derive(Debug, Clone, Queryable)]
pub struct GpuFacts {
    /// Its profile.
    pub profile: Id<id::VgpuProfile>,
    /// Its profile name.
    pub profile_name: String,
    /// Its card.
    pub card: Id<id::GpuCard>,
    /// Its card name.
    pub card_name: String,
    /// Its video ram.
    pub video_ram: Option<i64>,
    /// Its max heads.
    pub max_heads: Option<i64>,
    /// Its max resolution x.
    pub max_resolution_x: Option<i64>,
    /// Its max resolution y.
    pub max_resolution_y: Option<i64>,
}

/// An instance with everything an answer says of it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The row and its names.
    pub row: Row,
    /// Interfaces in order.
    pub nics: Vec<NicFacts>,
    /// What its GPUs are, or are to be, and how many.
    pub gpus: Option<(GpuFacts, i32)>,
    /// Details.
    pub details: Details,
    /// User data, when it was wanted.
    pub user_data: Option<String>,
    /// Affinity groups.
    pub groups: Vec<affinity_group::Row>,
}

/// Instances by id, in order of id. At most seven statements.
pub fn whole(conn: &mut Conn, ids: &[Id<id::Vm>], wanted: Wanted) -> Result<Vec<Listed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("{QUERY} WHERE vm.id IN ({}) ORDER BY vm.id", marks(ids.len()));
    let statement = prepared(text).rare(ids.len() > 1);
    let rows: Vec<Row> = statement.bind_all::<Text, _>(ids).load(conn)?;
    let mut nics = if wanted.nics { nics_of(conn, ids)? } else { HashMap::new() };
    let mut gpus = if wanted.gpus { gpus_of(conn, &rows)? } else { HashMap::new() };
    let mut details = if wanted.details { detail::of(conn, ids)? } else { HashMap::new() };
    let mut data = if wanted.user_data { user_data_of(conn, ids)? } else { HashMap::new() };
    let grouped = rows.iter().filter(|row| wanted.groups && row.is_grouped).map(|row| row.id);
    let mut groups = affinity_group::of_vms(conn, &grouped.collect::<Vec<_>>())?;
    let listed = rows.into_iter().map(|row| Listed {
        nics: nics.remove(&row.id).unwrap_or_default(),
        gpus: gpus.remove(&row.id),
        details: details.remove(&row.id).unwrap_or_default(),
        user_data: data.remove(&row.id),
        groups: groups.remove(&row.id).unwrap_or_default(),
        row,
    });
    Ok(listed.collect())
}

/// One instance, removed or not.
pub fn one(conn: &mut Conn, id: Id<id::Vm>) -> Result<Listed> {
    let found = whole(conn, &[id], Wanted::ALL)?.into_iter().next();
    found.ok_or_else(|| Error::NotFound { what: "virtual machine", id: id.to_string() })
}

fn nics_of(conn: &mut Conn, ids: &[Id<id::Vm>]) -> Result<HashMap<Id<id::Vm>, Vec<NicFacts>>> {
    let rows: Vec<NicFacts> = nic::table
        .inner_join(network::table.on(network::id.eq(nic::network_id)))
        .filter(nic::vm_id.eq_any(ids).and(nic::active.eq(true)))
        .order((nic::device_index, nic::id))
        .select((
            nic::id,
            nic::vm_id,
            network::id,
            network::name,
            network::guest_type,
            network::netmask,
            network::gateway,
            network::vlan,
            nic::mac,
            nic::ip,
            nic::device_index,
            nic::is_default,
        ))
        .load(conn)?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.vm).or_default().push(row);
    }
    Ok(found)
}

/// What the instances hold, or else the first that they ask for. Two statements.
fn gpus_of(conn: &mut Conn, rows: &[Row]) -> Result<HashMap<Id<id::Vm>, (GpuFacts, i32)>> {
    let asking: Vec<&Row> = rows.iter().filter(|row| row.demand.is_some()).collect();
    if asking.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Id<id::Vm>> = asking.iter().map(|row| row.id).collect();
    let held: Vec<(Id<id::Vm>, Id<id::VgpuProfile>)> = gpu_allocation::table
        .inner_join(gpu_device::table.on(gpu_device::id.eq(gpu_allocation::device_id)))
        .filter(gpu_allocation::vm_id.eq_any(ids).and(gpu_allocation::active.eq(true)))
        .order((gpu_allocation::vm_id, gpu_allocation::position))
        .select((gpu_allocation::vm_id, gpu_device::profile_id))
        .load(conn)?;
    let mut shape: HashMap<Id<id::Vm>, (Id<id::VgpuProfile>, i32)> = HashMap::new();
    for (vm, profile) in held {
        shape.entry(vm).or_insert((profile, 0)).1 += 1;
    }
    for row in asking {
        let first = row.demand.as_deref().and_then(crate::domain::vm::first_choice);
        if let Some(first) = first {
            shape.entry(row.id).or_insert(first);
        }
    }
    let mut profiles: Vec<_> = shape.values().map(|(profile, _)| *profile).collect();
    profiles.sort();
    profiles.dedup();
    let facts: Vec<GpuFacts> = vgpu_profile::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
        .filter(vgpu_profile::id.eq_any(profiles))
        .select((
            vgpu_profile::id,
            vgpu_profile::name,
            gpu_card::id,
            gpu_card::name,
            vgpu_profile::video_ram,
            vgpu_profile::max_heads,
            vgpu_profile::max_resolution_x,
            vgpu_profile::max_resolution_y,
        ))
        .load(conn)?;
    let facts: HashMap<_, _> = facts.into_iter().map(|facts| (facts.profile, facts)).collect();
    let known = shape
        .into_iter()
        .filter_map(|(vm, (profile, count))| Some((vm, (facts.get(&profile)?.clone(), count))));
    Ok(known.collect())
}

fn user_data_of(conn: &mut Conn, ids: &[Id<id::Vm>]) -> Result<HashMap<Id<id::Vm>, String>> {
    let rows: Vec<(Id<id::Vm>, Option<String>)> =
        vm::table.filter(vm::id.eq_any(ids)).select((vm::id, vm::user_data)).load(conn)?;
    Ok(rows.into_iter().filter_map(|(id, data)| Some((id, data?))).collect())
}
