//! Instances with everything an answer says of them, in a number of statements that does not grow with the page.

use crate::{
    domain::{Id, Time, id},
    error::{Error, Result},
    store::{
        Conn, affinity_group,
        detail::{self, Details},
        prepared::{marks, padded, prepared},
        tag::{self, Tag},
    },
};
use diesel::{
    QueryableByName, RunQueryDsl,
    mysql::Mysql,
    query_builder::QueryFragment,
    sql_types::{BigInt, Bool, Datetime, Integer, Nullable, Text},
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

    /// The user data as a column.
    const fn data(self) -> &'static str {
        if self.user_data { "vm.user_data" } else { "NULL AS user_data" }
    }
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
    /// Its annotations: 2, one is for everyone; 1, they are for root administrators alone.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub notes: Option<i64>,
    /// Its having tags.
    #[diesel(sql_type = Bool)]
    pub is_tagged: bool,
    /// How it boots by UEFI; none: it does not.
    #[diesel(sql_type = Nullable<Text>)]
    pub uefi: Option<String>,
    /// Its user data, where that was wanted.
    #[diesel(sql_type = Nullable<Text>)]
    pub user_data: Option<String>,
    /// How many are in the list of which this is one.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub all: Option<i64>,
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
    EXISTS (SELECT 1 FROM affinity_member m WHERE m.vm_id = vm.id) AS is_grouped, \
    EXISTS (SELECT 1 FROM tag t WHERE t.resource_id = vm.id) AS is_tagged, \
    (SELECT CAST(2 - MIN(n.admins_only) AS SIGNED) FROM annotation n WHERE n.entity_id = vm.id) AS notes";

const FROM: &str = "FROM vm JOIN account ON account.id = vm.account_id JOIN `user` ON `user`.id = vm.user_id \
    JOIN domain ON domain.id = vm.domain_id JOIN zone ON zone.id = vm.zone_id \
    JOIN template ON template.id = vm.template_id JOIN os_type ON os_type.id = template.os_type_id \
    JOIN service_offering ON service_offering.id = vm.offering_id \
    LEFT JOIN project ON project.account_id = vm.account_id \
    LEFT JOIN host ON host.id = vm.host_id \
    LEFT JOIN gpu_offering ON gpu_offering.id = vm.gpu_offering_id \
    LEFT JOIN storage_pool ON storage_pool.id = vm.pool_id";

/// A network interface with its network.
#[derive(Debug, Clone, QueryableByName)]
pub struct NicFacts {
    /// Its id.
    #[diesel(sql_type = Text)]
    pub id: Id<id::Nic>,
    /// Its instance.
    #[diesel(sql_type = Text)]
    pub vm: Id<id::Vm>,
    /// Its network.
    #[diesel(sql_type = Text)]
    pub network: Id<id::Network>,
    /// Its network name.
    #[diesel(sql_type = Text)]
    pub network_name: String,
    /// Its guest type.
    #[diesel(sql_type = Text)]
    pub guest_type: String,
    /// Its netmask.
    #[diesel(sql_type = Nullable<Text>)]
    pub netmask: Option<String>,
    /// Its gateway.
    #[diesel(sql_type = Nullable<Text>)]
    pub gateway: Option<String>,
    /// Its VLAN.
    #[diesel(sql_type = Nullable<Text>)]
    pub vlan: Option<String>,
    /// Its MAC address.
    #[diesel(sql_type = Text)]
    pub mac: String,
    /// Its address.
    #[diesel(sql_type = Nullable<Text>)]
    pub ip: Option<String>,
    /// Its device index.
    #[diesel(sql_type = Integer)]
    pub device_index: i32,
    /// Its being the default one.
    #[diesel(sql_type = Bool)]
    pub is_default: bool,
}

/// A profile with its card.
#[derive(Debug, Clone, QueryableByName)]
pub struct GpuFacts {
    /// Its profile.
    #[diesel(sql_type = Text)]
    pub profile: Id<id::VgpuProfile>,
    /// Its profile name.
    #[diesel(sql_type = Text)]
    pub profile_name: String,
    /// Its card.
    #[diesel(sql_type = Text)]
    pub card: Id<id::GpuCard>,
    /// Its card name.
    #[diesel(sql_type = Text)]
    pub card_name: String,
    /// Its video ram.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub video_ram: Option<i64>,
    /// Its max heads.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub max_heads: Option<i64>,
    /// Its max resolution x.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub max_resolution_x: Option<i64>,
    /// Its max resolution y.
    #[diesel(sql_type = Nullable<BigInt>)]
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
    /// Tags.
    pub tags: Vec<Tag>,
}

/// The rows of a page of ids, in order of id, with the count of the whole. One statement.
pub(super) fn rows_of<'a, P, A>(
    conn: &mut Conn,
    page: P,
    all: A,
    wanted: Wanted,
) -> Result<Vec<Row>>
where
    P: QueryFragment<Mysql> + Send + 'a,
    A: QueryFragment<Mysql> + Send + 'a,
{
    let text = format!(
        "{QUERY}, {}, (?) AS `all` {FROM} JOIN (?) page ON page.id = vm.id ORDER BY vm.id",
        wanted.data()
    );
    Ok(prepared(text).part(all).part(page).load(conn)?)
}

/// Instances by id, in order of id. At most six statements.
pub fn whole(conn: &mut Conn, ids: &[Id<id::Vm>], wanted: Wanted) -> Result<Vec<Listed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = padded(ids);
    let text = format!(
        "{QUERY}, {}, CAST(NULL AS SIGNED) AS `all` {FROM} WHERE vm.id IN ({}) ORDER BY vm.id",
        wanted.data(),
        marks(ids.len())
    );
    let rows = prepared(text).of_padded(ids.len()).bind_all::<Text, _>(ids).load(conn)?;
    complete(conn, rows, wanted)
}

/// Everything else that is wanted of these instances. At most five statements.
pub(super) fn complete(conn: &mut Conn, rows: Vec<Row>, wanted: Wanted) -> Result<Vec<Listed>> {
    let ids = padded(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
    let mut nics = if wanted.nics { nics_of(conn, &ids)? } else { HashMap::new() };
    let mut gpus = if wanted.gpus { gpus_of(conn, &rows)? } else { HashMap::new() };
    let mut details = if wanted.details { detail::shown(conn, &ids)? } else { HashMap::new() };
    let grouped = rows.iter().filter(|row| wanted.groups && row.is_grouped).map(|row| row.id);
    let mut groups = affinity_group::of_vms(conn, &grouped.collect::<Vec<_>>())?;
    let tagged = rows.iter().filter(|row| row.is_tagged).map(|row| row.id);
    let mut tags = tag::of(conn, &tagged.collect::<Vec<_>>())?;
    let listed = rows.into_iter().map(|mut row| Listed {
        nics: nics.remove(&row.id).unwrap_or_default(),
        gpus: gpus.remove(&row.id),
        details: details.remove(&row.id).unwrap_or_default(),
        user_data: row.user_data.take(),
        groups: groups.remove(&row.id).unwrap_or_default(),
        tags: tags.remove(&row.id).unwrap_or_default(),
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
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let text = format!(
        "SELECT nic.id, nic.vm_id AS vm, network.id AS network, network.name AS network_name, network.guest_type, \
            network.netmask, network.gateway, network.vlan, nic.mac, nic.ip, nic.device_index, nic.is_default \
         FROM nic JOIN network ON network.id = nic.network_id WHERE nic.vm_id IN ({}) AND nic.active = 1 \
         ORDER BY nic.device_index, nic.id",
        marks(ids.len())
    );
    let statement = prepared(text).of_padded(ids.len());
    let rows: Vec<NicFacts> = statement.bind_all::<Text, _>(ids).load(conn)?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.vm).or_default().push(row);
    }
    Ok(found)
}

/// A device that an instance holds; or, without one, a profile that some instance asks for.
#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Nullable<Text>)]
    vm: Option<Id<id::Vm>>,
    #[diesel(sql_type = Integer)]
    position: i32,
    #[diesel(embed)]
    facts: GpuFacts,
}

/// What the instances hold, or else the first that they ask for. One statement.
fn gpus_of(conn: &mut Conn, rows: &[Row]) -> Result<HashMap<Id<id::Vm>, (GpuFacts, i32)>> {
    let asking: Vec<&Row> = rows.iter().filter(|row| row.demand.is_some()).collect();
    if asking.is_empty() {
        return Ok(HashMap::new());
    }
    let first = |row: &&Row| {
        let choice = crate::domain::vm::first_choice(row.demand.as_deref()?)?;
        Some((row.id, choice))
    };
    let first: Vec<_> = asking.iter().filter_map(first).collect();
    let mut profiles: Vec<_> = first.iter().map(|(_, (profile, _))| *profile).collect();
    profiles.sort();
    profiles.dedup();
    let facts = "p.id AS profile, p.name AS profile_name, c.id AS card, c.name AS card_name, p.video_ram, p.max_heads, \
        p.max_resolution_x, p.max_resolution_y";
    let vms = padded(&asking.iter().map(|row| row.id).collect::<Vec<_>>());
    let profiles = padded(&profiles);
    let mut text = format!(
        "SELECT a.vm_id AS vm, a.position, {facts} FROM gpu_allocation a JOIN gpu_device d ON d.id = a.device_id \
         JOIN vgpu_profile p ON p.id = d.profile_id JOIN gpu_card c ON c.id = p.card_id \
         WHERE a.vm_id IN ({}) AND a.active = 1",
        marks(vms.len())
    );
    if !profiles.is_empty() {
        text += &format!(
            " UNION ALL SELECT NULL, 0, {facts} FROM vgpu_profile p JOIN gpu_card c ON c.id = p.card_id \
             WHERE p.id IN ({})",
            marks(profiles.len())
        );
    }
    let statement = prepared(text).of_padded(vms.len().max(profiles.len()));
    let rows: Vec<Held> =
        statement.bind_all::<Text, _>(vms).bind_all::<Text, _>(profiles).load(conn)?;
    let mut found: HashMap<Id<id::Vm>, (i32, GpuFacts, i32)> = HashMap::new();
    let mut known: HashMap<Id<id::VgpuProfile>, GpuFacts> = HashMap::new();
    for Held { vm, position, facts } in rows {
        let Some(vm) = vm else {
            known.insert(facts.profile, facts);
            continue;
        };
        let held = found.entry(vm).or_insert_with(|| (position, facts.clone(), 0));
        if position < held.0 {
            (held.0, held.1) = (position, facts);
        }
        held.2 += 1;
    }
    let mut shapes: HashMap<_, _> =
        found.into_iter().map(|(vm, (_, facts, count))| (vm, (facts, count))).collect();
    for (vm, (profile, count)) in first {
        if let Some(facts) = known.get(&profile) {
            shapes.entry(vm).or_insert_with(|| (facts.clone(), count));
        }
    }
    Ok(shapes)
}
