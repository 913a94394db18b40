//! What a deploy asks of the books: the offering with its GPUs, the template, the networks. One statement each.

use super::{
    Conn,
    network::Network,
    owner::{self, Owner},
    prepared::prepared,
    schema::{detail, network, service_offering, vgpu_profile},
};
use crate::{
    domain::{
        Id,
        gpu::ProfileKind,
        id,
        placement::{NumaPolicy, Packing},
        vm::{Choice, GpuDemand},
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, QueryableByName, RunQueryDsl,
    Selectable, SelectableHelper,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
};

/// The detail of a service offering that says the least number of GPUs.
pub const MIN_GPUS: &str = "mingpucount";
/// The detail of a service offering that says the most GPUs.
pub const MAX_GPUS: &str = "maxgpucount";
/// The detail of a service offering that says what pages the memory is made of: `true`, `2M`, `1G`.
pub const HUGE_PAGES: &str = "hugepages";
/// The detail of an instance that holds elements to be added to its definition.
pub const EXTRA_CONFIG: &str = "extraconfig-1";

/// What a deploy names by id, and by the names of key pairs.
#[derive(Debug, Clone)]
pub struct Named {
    /// The service offering.
    pub offering: Id<id::ServiceOffering>,
    /// The GPU offering, unless it is the service offering's own.
    pub gpus: Option<Id<id::GpuOffering>>,
    /// The template.
    pub template: Id<id::Template>,
    /// The owner.
    pub owner: Id<id::Account>,
    /// The key pairs, joined by commas.
    pub key_pairs: String,
}

/// A service offering as a deploy needs it.
#[derive(Debug, Clone)]
pub struct Compute {
    /// Its name.
    pub name: String,
    /// Whether it may be used.
    pub is_active: bool,
    /// The path of the domain it is for.
    pub domain_path: Option<String>,
    /// The zone it is for.
    pub zone: Option<Id<id::Zone>>,
    /// Virtual CPUs.
    pub cpu_number: Option<i32>,
    /// CPU speed in MHz.
    pub cpu_speed: Option<i32>,
    /// Memory in MiB.
    pub memory_mib: Option<i32>,
    /// Root disk in bytes.
    pub root_disk_size: Option<i64>,
    /// Whether the instance says its size.
    pub is_customized: bool,
    /// What it says of huge pages.
    pub huge_pages: Option<String>,
    /// Host tags, joined by commas.
    pub host_tags: Option<String>,
    /// Storage tags, joined by commas.
    pub storage_tags: Option<String>,
    /// The tags of hosts with limits that its instances count for.
    pub host_limits: Option<String>,
    /// Those of storage, for their volumes.
    pub storage_limits: Option<String>,
    /// Whether the first GPU shows a display.
    pub gpu_display: bool,
    /// The GPU offering in use.
    pub gpu_offering: Option<GpuOffering>,
    /// What it asks of GPUs.
    pub gpus: Option<GpuDemand>,
    /// Whether it asks for GPUs without a GPU offering given with the request.
    pub asks_itself: bool,
    /// Card and profile in the words of the older way, of which no known profile was found.
    pub unknown_gpu: Option<(String, String)>,
}

/// A GPU offering as a deploy needs it.
#[derive(Debug, Clone)]
pub struct GpuOffering {
    /// The offering.
    pub id: Id<id::GpuOffering>,
    /// Its name.
    pub name: String,
    /// Whether it may be used.
    pub is_active: bool,
    /// The path of the domain it is for.
    pub domain_path: Option<String>,
    /// The zone it is for.
    pub zone: Option<Id<id::Zone>>,
}

#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    domain_path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    zone_id: Option<Id<id::Zone>>,
    #[diesel(sql_type = Nullable<Integer>)]
    cpu_number: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    cpu_speed: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    memory_mib: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    root_disk_size: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_customized: bool,
    #[diesel(sql_type = Nullable<Text>)]
    host_tags: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    storage_tags: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    host_limits: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    storage_limits: Option<String>,
    #[diesel(sql_type = Bool)]
    gpu_display: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    gpu_count: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    group_word: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    type_word: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    huge_pages: Option<String>,
    #[diesel(sql_type = Bool)]
    asks_itself: bool,
    #[diesel(sql_type = Nullable<Text>)]
    gpu_id: Option<Id<id::GpuOffering>>,
    #[diesel(sql_type = Nullable<Text>)]
    gpu_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    gpu_state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    gpu_path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    gpu_zone: Option<Id<id::Zone>>,
    #[diesel(sql_type = Nullable<Bool>)]
    display: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    numa_policy: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    placement: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    alternative_count: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    profile_id: Option<Id<id::VgpuProfile>>,
    #[diesel(sql_type = Nullable<Text>)]
    profile: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    profile_kind: Option<ProfileKind>,
    #[diesel(sql_type = Nullable<Text>)]
    card: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image_format: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image_hypervisor: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image_arch: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image_state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image_zone: Option<Id<id::Zone>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    image_size: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    image_virtual_size: Option<i64>,
    #[diesel(sql_type = BigInt)]
    key_pairs: i64,
}

impl Row {
    /// The template, if there is one.
    fn image(&self) -> Option<Image> {
        Some(Image {
            name: self.image.clone()?,
            format: self.image_format.clone()?,
            hypervisor: self.image_hypervisor.clone()?,
            arch: self.image_arch.clone()?,
            state: self.image_state.clone()?,
            zone_id: self.image_zone,
            size: self.image_size?,
            virtual_size: self.image_virtual_size?,
        })
    }
}

const COMPUTE: &str = "SELECT s.name, s.state, d.path AS domain_path, s.zone_id, s.cpu_number, s.cpu_speed, \
    s.memory_mib, s.root_disk_size, s.is_customized, s.host_tags, s.storage_tags, s.gpu_display, s.gpu_count, \
    w1.value AS group_word, w2.value AS type_word, w3.value AS huge_pages, \
    s.profile_id IS NOT NULL OR s.gpu_offering_id IS NOT NULL OR w1.value IS NOT NULL AS asks_itself, g.id AS gpu_id, g.name AS gpu_name, g.state AS gpu_state, \
    gd.path AS gpu_path, g.zone_id AS gpu_zone, g.display, g.numa_policy, g.placement, \
    a.count AS alternative_count, p.id AS profile_id, p.name AS profile, p.kind AS profile_kind, c.name AS card, \
    t.name AS image, t.format AS image_format, t.hypervisor AS image_hypervisor, t.arch AS image_arch, \
    t.state AS image_state, t.zone_id AS image_zone, t.size AS image_size, t.virtual_size AS image_virtual_size, \
    (SELECT COUNT(*) FROM ssh_key_pair k WHERE k.account_id = ? AND FIND_IN_SET(k.name, ?)) AS key_pairs, \
    (SELECT CAST(GROUP_CONCAT(l.number ORDER BY l.number) AS CHAR(255)) FROM limit_tag l WHERE l.scope = 'host' \
    AND FIND_IN_SET(l.name, REPLACE(s.host_tags, ', ', ','))) AS host_limits, \
    (SELECT CAST(GROUP_CONCAT(l.number ORDER BY l.number) AS CHAR(255)) FROM limit_tag l WHERE l.scope = 'storage' \
    AND FIND_IN_SET(l.name, REPLACE(s.storage_tags, ', ', ','))) AS storage_limits \
    FROM service_offering s LEFT JOIN domain d ON d.id = s.domain_id \
    LEFT JOIN detail w1 ON w1.owner_id = s.id AND w1.name = 'pciDevice' \
    LEFT JOIN detail w2 ON w2.owner_id = s.id AND w2.name = 'vgpuType' \
    LEFT JOIN detail w3 ON w3.owner_id = s.id AND w3.name = 'hugepages' \
    LEFT JOIN gpu_offering g ON g.id = COALESCE(?, s.gpu_offering_id) \
    LEFT JOIN domain gd ON gd.id = g.domain_id \
    LEFT JOIN gpu_offering_alternative a ON a.offering_id = g.id \
    LEFT JOIN vgpu_profile p ON p.id = IF(g.id IS NULL, s.profile_id, a.profile_id) \
    LEFT JOIN gpu_card c ON c.id = p.card_id \
    LEFT JOIN template t ON t.id = ? AND t.removed IS NULL WHERE s.id = ? AND s.removed IS NULL ORDER BY a.position";

/// The offering with its GPUs, the template, and how many of the key pairs the owner has. One statement.
pub fn compute(conn: &mut Conn, named: &Named) -> Result<(Compute, Image, i64)> {
    let (compute, image, key_pairs) = offering(conn, named)?;
    let no_image = || Error::NotFound { what: "template", id: named.template.to_string() };
    Ok((compute, image.ok_or_else(no_image)?, key_pairs))
}

/// [`compute`] for an instance that exists, whose template may be gone.
pub fn offering(conn: &mut Conn, named: &Named) -> Result<(Compute, Option<Image>, i64)> {
    let mut rows: Vec<Row> = prepared(COMPUTE)
        .bind::<Text, _>(named.owner)
        .bind::<Text, _>(named.key_pairs.as_str())
        .bind::<Nullable<Text>, _>(named.gpus)
        .bind::<Text, _>(named.template)
        .bind::<Text, _>(named.offering)
        .load(conn)?;
    let demand = demand(&rows);
    let Some(first) = rows.drain(..).next() else {
        let id = named.offering.to_string();
        return Err(Error::NotFound { what: "service offering", id });
    };
    let (image, key_pairs) = (first.image(), first.key_pairs);
    let gpu_offering = first.gpu_id.map(|id| GpuOffering {
        id,
        name: first.gpu_name.unwrap_or_default(),
        is_active: first.gpu_state.as_deref() == Some("Active"),
        domain_path: first.gpu_path,
        zone: first.gpu_zone,
    });
    let words = first.group_word.zip(first.type_word);
    let compute = Compute {
        name: first.name,
        is_active: first.state == "Active",
        domain_path: first.domain_path,
        zone: first.zone_id,
        cpu_number: first.cpu_number,
        cpu_speed: first.cpu_speed,
        memory_mib: first.memory_mib,
        root_disk_size: first.root_disk_size,
        is_customized: first.is_customized,
        huge_pages: first.huge_pages,
        host_tags: first.host_tags,
        storage_tags: first.storage_tags,
        host_limits: first.host_limits,
        storage_limits: first.storage_limits,
        gpu_display: first.display.unwrap_or(first.gpu_display),
        gpu_offering,
        unknown_gpu: words.filter(|_| demand.is_none()),
        gpus: demand,
        asks_itself: first.asks_itself,
    };
    Ok((compute, image, key_pairs))
}

/// The GPU offering that a service offering brings with it.
pub fn own_gpus(
    conn: &mut Conn,
    offering: Id<id::ServiceOffering>,
) -> Result<Option<Id<id::GpuOffering>>> {
    let row = service_offering::table.filter(service_offering::id.eq(offering));
    Ok(row.select(service_offering::gpu_offering_id).first(conn)?)
}

/// The least GPU memory in MiB that meets a demand.
pub fn least_memory(conn: &mut Conn, demand: &GpuDemand) -> Result<i64> {
    let profiles = demand.choices.iter().map(|choice| choice.profile);
    let rows: Vec<(Id<id::VgpuProfile>, Option<i64>)> = vgpu_profile::table
        .filter(vgpu_profile::id.eq_any(profiles))
        .select((vgpu_profile::id, vgpu_profile::video_ram))
        .load(conn)?;
    let of = |choice: &Choice| {
        let memory = rows.iter().find(|(id, _)| *id == choice.profile).and_then(|row| row.1);
        i64::from(choice.count) * memory.unwrap_or(0)
    };
    Ok(demand.choices.iter().map(of).min().unwrap_or(0))
}

/// What the rows ask of GPUs.
fn demand(rows: &[Row]) -> Option<GpuDemand> {
    let is_slice =
        |row: &Row| row.profile_kind.is_some_and(|kind| kind != ProfileKind::Passthrough);
    let choices: Vec<Choice> = rows
        .iter()
        .filter_map(|row| {
            let count = row.alternative_count.or(row.gpu_count).unwrap_or(1);
            let name = format!("{} {}", row.card.as_deref()?, row.profile.as_deref()?);
            Some(Choice { profile: row.profile_id?, count: u32::try_from(count).ok()?, name })
        })
        .collect();
    let first = rows.first().filter(|_| !choices.is_empty())?;
    let numa = first.numa_policy.as_deref().and_then(|text| text.parse().ok());
    let packing = first.placement.as_deref().and_then(|text| text.parse().ok());
    Some(GpuDemand {
        choices,
        numa: numa.unwrap_or(NumaPolicy::Preferred),
        packing: packing.unwrap_or(Packing::Pack),
        slices: rows.iter().any(is_slice),
        exact: Vec::new(),
    })
}

/// A template as a deploy needs it.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// Its format.
    pub format: String,
    /// The kind of host it is for.
    pub hypervisor: String,
    /// The architecture it is for.
    pub arch: String,
    /// `Ready` when instances can be made of it.
    pub state: String,
    /// The zone it is in; none: all.
    pub zone_id: Option<Id<id::Zone>>,
    /// The size of its file.
    pub size: i64,
    /// The size of its disk.
    pub virtual_size: i64,
}

/// A network as a deploy needs it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = network)]
pub struct Net {
    /// The network.
    pub id: Id<id::Network>,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Its domain.
    pub domain_id: Id<id::Domain>,
    /// Whether it is for its account alone, `Account`, or for everyone in its domain and below it, `Domain`.
    pub acl_type: String,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// `Isolated`, `Shared` or `L2`.
    pub guest_type: String,
    /// Its range.
    pub cidr: Option<String>,
    /// Its gateway.
    pub gateway: Option<String>,
    /// The first address to give out.
    pub start_ip: Option<String>,
    /// The last address to give out.
    pub end_ip: Option<String>,
}

impl From<&Network> for Net {
    fn from(of: &Network) -> Self {
        Self {
            id: of.id,
            name: of.name.clone(),
            account_id: of.account_id,
            domain_id: of.domain_id,
            acl_type: of.acl_type.clone(),
            zone_id: of.zone_id,
            guest_type: of.guest_type.to_string(),
            cidr: of.cidr.clone(),
            gateway: of.gateway.clone(),
            start_ip: of.start_ip.clone(),
            end_ip: of.end_ip.clone(),
        }
    }
}

/// Networks by id, in the order of the ids.
pub fn networks(conn: &mut Conn, ids: &[Id<id::Network>]) -> Result<Vec<Net>> {
    let mut rows: Vec<Net> = network::table
        .filter(network::id.eq_any(ids).and(network::alive.eq(true)))
        .select(Net::as_select())
        .load(conn)?;
    rows.sort_by_key(|net| ids.iter().position(|id| *id == net.id));
    Ok(rows)
}

/// The networks of a zone that this owner would use: the own ones, else those for everyone.
pub fn usual_networks(conn: &mut Conn, zone: Id<id::Zone>, owner: Owner) -> Result<Vec<Net>> {
    let path = owner::path(conn, owner.domain)?;
    let domains = owner::above(conn, &path)?;
    let shared = network::acl_type.eq("Domain").and(network::domain_id.eq_any(domains));
    let rows: Vec<Net> = network::table
        .filter(network::zone_id.eq(zone).and(network::alive.eq(true)))
        .filter(network::account_id.eq(owner.account).or(shared))
        .order(network::id)
        .select(Net::as_select())
        .load(conn)?;
    let (own, shared): (Vec<Net>, Vec<Net>) = rows
        .into_iter()
        .partition(|net| net.account_id == owner.account && net.guest_type == "Isolated");
    Ok(if own.is_empty() { shared } else { own })
}

/// The limits of a customized size: (least, most) of CPUs and of memory in MiB.
pub fn limits(
    conn: &mut Conn,
    offering: Id<id::ServiceOffering>,
) -> Result<[(Option<i32>, Option<i32>); 2]> {
    let rows: Vec<(String, String)> = detail::table
        .filter(detail::owner_id.eq(offering))
        .select((detail::name, detail::value))
        .load(conn)?;
    let read = |name: &str| {
        rows.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
    };
    Ok([(read("mincpunumber"), read("maxcpunumber")), (read("minmemory"), read("maxmemory"))])
}

/// The least and the most GPUs that an instance of an offering may say.
pub fn gpu_limits(
    conn: &mut Conn,
    offering: Id<id::ServiceOffering>,
) -> Result<(Option<u32>, Option<u32>)> {
    let rows: Vec<(String, String)> = detail::table
        .filter(detail::owner_id.eq(offering))
        .filter(detail::name.eq_any([MIN_GPUS, MAX_GPUS]))
        .select((detail::name, detail::value))
        .load(conn)?;
    let read = |name: &str| {
        rows.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
    };
    Ok((read(MIN_GPUS), read(MAX_GPUS)))
}
