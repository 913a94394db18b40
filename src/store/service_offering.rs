//! Service offerings: rows and queries.

use super::{
    Conn, Tx, Window, clock,
    detail::{self, Details},
    like,
    schema::{domain, gpu_card, gpu_offering, service_offering, vgpu_profile, vm, zone},
};
use crate::{
    domain::{
        Id, Time, id,
        identity::{Caller, Reach},
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods,
    QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods,
    insert_into, mysql::Mysql, sql_types::Text, update,
};

/// A service offering, as it was created.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_offering)]
pub struct Offering {
    /// Its id.
    pub id: Id<id::ServiceOffering>,
    /// The domain that may use it, with those below; `None`: everyone.
    pub domain_id: Option<Id<id::Domain>>,
    /// The zone it is for; `None`: all.
    pub zone_id: Option<Id<id::Zone>>,
    /// The vGPU profile it asks for.
    pub profile_id: Option<Id<id::VgpuProfile>>,
    /// The GPU offering it asks for.
    pub gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub display_text: String,
    /// Virtual CPUs; `None` when the instance says.
    pub cpu_number: Option<i32>,
    /// CPU speed in MHz; `None` when the instance says.
    pub cpu_speed: Option<i32>,
    /// Memory in MiB; `None` when the instance says.
    pub memory_mib: Option<i32>,
    /// Root disk in bytes; `None`: the template's size.
    pub root_disk_size: Option<i64>,
    /// Whether the instance says its size.
    pub is_customized: bool,
    /// How many devices of the profile.
    pub gpu_count: Option<i32>,
    /// Whether the first device shows a display.
    pub gpu_display: bool,
    /// Stored for clients.
    pub offer_ha: bool,
    /// Stored for clients.
    pub limit_cpu: bool,
    /// Host tags it needs, joined by commas.
    pub host_tags: Option<String>,
    /// Storage tags it needs, joined by commas.
    pub storage_tags: Option<String>,
    /// `shared` or `local`.
    pub storage_type: String,
    /// `Active` or `Inactive`.
    pub state: String,
    /// Whether csgpu made it at first start.
    pub is_default: bool,
}

/// What an answer says of the profile that an offering names.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = vgpu_profile)]
pub struct ProfileFacts {
    /// The profile.
    pub id: Id<id::VgpuProfile>,
    /// Its name.
    pub name: String,
    /// Its card.
    pub card_id: Id<id::GpuCard>,
    /// Memory in MiB.
    pub video_ram: Option<i64>,
    /// Heads.
    pub max_heads: Option<i64>,
    /// Horizontal resolution.
    pub max_resolution_x: Option<i64>,
    /// Vertical resolution.
    pub max_resolution_y: Option<i64>,
}

/// An offering with what its answer needs.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The offering.
    pub offering: Offering,
    /// When it was made.
    pub created: Time,
    /// Its profile and the card's name.
    pub profile: Option<(ProfileFacts, String)>,
    /// Name and path of its domain.
    pub domain: Option<(String, String)>,
    /// Name of its zone.
    pub zone: Option<String>,
    /// Name of its GPU offering.
    pub gpu_offering: Option<String>,
    /// Its details.
    pub details: Details,
}

/// Which offerings to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::ServiceOffering>>,
    /// With this name.
    pub name: Option<String>,
    /// Usable in this zone.
    pub zone: Option<Id<id::Zone>>,
    /// For this domain.
    pub domain: Option<Id<id::Domain>>,
    /// With this profile.
    pub profile: Option<Id<id::VgpuProfile>>,
    /// With (true) or without (false) GPUs.
    pub gpu_enabled: Option<bool>,
    /// With at least so many CPUs.
    pub cpu_number: Option<i32>,
    /// With at least this CPU speed.
    pub cpu_speed: Option<i32>,
    /// With at least this memory.
    pub memory_mib: Option<i32>,
    /// In this state; `None`: active.
    pub state: Option<String>,
    /// With this kind of storage.
    pub storage_type: Option<String>,
    /// All but the offering of this instance.
    pub not_of_vm: Option<Id<id::Vm>>,
}

type Row = (
    Offering,
    Time,
    Option<ProfileFacts>,
    (Option<String>, Option<String>, Option<String>),
    (Option<String>, Option<String>),
);

/// How many match, and one page of them, oldest first; only those that the caller may use.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Listed>)> {
    let domains = usable_domains(conn, caller)?;
    let other = match filter.not_of_vm {
        None => None,
        Some(vm) => Some(
            vm::table
                .filter(vm::id.eq(vm))
                .select(vm::offering_id)
                .first::<Id<id::ServiceOffering>>(conn)?,
        ),
    };
    let ids = || {
        let mut query = service_offering::table
            .filter(service_offering::removed.is_null())
            .select(service_offering::id)
            .into_boxed();
        let state = filter.state.clone().unwrap_or_else(|| "Active".to_owned());
        if filter.id.is_none() && !state.eq_ignore_ascii_case("all") {
            query = query.filter(service_offering::state.eq(state));
        }
        query = named(query, filter);
        query = with_gpus(query, filter);
        query = of_size(query, filter);
        if let Some(other) = other {
            query = query.filter(service_offering::id.ne(other));
        }
        if let Some(domains) = &domains {
            let mine = service_offering::domain_id.eq_any(domains.clone());
            query =
                query.filter(mine.nullable().or(service_offering::domain_id.is_null().nullable()));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            query = query.filter(
                service_offering::name
                    .like(word.clone())
                    .or(service_offering::display_text.like(word)),
            );
        }
        query
    };
    let found: Vec<Id<id::ServiceOffering>> =
        window.page(ids().order(service_offering::id), conn)?;
    let count = window.count(found.len(), || Ok(ids().count().get_result(conn)?))?;
    Ok((count, whole(conn, &found)?))
}

type Query = service_offering::BoxedQuery<'static, Mysql, Text>;

fn named(mut query: Query, filter: &Filter) -> Query {
    if let Some(id) = filter.id {
        query = query.filter(service_offering::id.eq(id));
    }
    if let Some(name) = &filter.name {
        query = query.filter(service_offering::name.eq(name.clone()));
    }
    if let Some(zone) = filter.zone {
        let here = service_offering::zone_id.eq(zone);
        query = query.filter(here.nullable().or(service_offering::zone_id.is_null().nullable()));
    }
    if let Some(home) = filter.domain {
        query = query.filter(service_offering::domain_id.eq(home));
    }
    if let Some(profile) = filter.profile {
        query = query.filter(service_offering::profile_id.eq(profile));
    }
    query
}

fn with_gpus(mut query: Query, filter: &Filter) -> Query {
    match filter.gpu_enabled {
        None => {}
        Some(true) => {
            query = query.filter(
                service_offering::profile_id
                    .is_not_null()
                    .or(service_offering::gpu_offering_id.is_not_null()),
            );
        }
        Some(false) => {
            query = query.filter(
                service_offering::profile_id
                    .is_null()
                    .and(service_offering::gpu_offering_id.is_null()),
            );
        }
    }
    query
}

fn of_size(mut query: Query, filter: &Filter) -> Query {
    if let Some(least) = filter.cpu_number {
        query = query.filter(service_offering::cpu_number.ge(least));
    }
    if let Some(least) = filter.cpu_speed {
        query = query.filter(service_offering::cpu_speed.ge(least));
    }
    if let Some(least) = filter.memory_mib {
        query = query.filter(service_offering::memory_mib.ge(least));
    }
    if let Some(kind) = &filter.storage_type {
        query = query.filter(service_offering::storage_type.eq(kind.clone()));
    }
    query
}

/// Offerings by id, with everything an answer needs. Two statements.
pub fn whole(conn: &mut Conn, ids: &[Id<id::ServiceOffering>]) -> Result<Vec<Listed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = service_offering::table
        .left_join(
            vgpu_profile::table.on(service_offering::profile_id.eq(vgpu_profile::id.nullable())),
        )
        .left_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
        .left_join(domain::table.on(service_offering::domain_id.eq(domain::id.nullable())))
        .left_join(zone::table.on(service_offering::zone_id.eq(zone::id.nullable())))
        .left_join(
            gpu_offering::table
                .on(service_offering::gpu_offering_id.eq(gpu_offering::id.nullable())),
        )
        .filter(service_offering::id.eq_any(ids))
        .order(service_offering::id)
        .select((
            Offering::as_select(),
            service_offering::created,
            Option::<ProfileFacts>::as_select(),
            (gpu_card::name.nullable(), domain::name.nullable(), domain::path.nullable()),
            (zone::name.nullable(), gpu_offering::name.nullable()),
        ))
        .load(conn)?;
    let mut details = detail::shown(conn, ids)?;
    let listed = rows.into_iter().map(|row| {
        let (offering, created, profile, (card, name, path), (zone, gpu_offering)) = row;
        let details = details.remove(&offering.id).unwrap_or_default();
        let (profile, domain) = (profile.zip(card), name.zip(path));
        Listed { offering, created, profile, domain, zone, gpu_offering, details }
    });
    Ok(listed.collect())
}

/// One offering by id, with everything an answer needs.
pub fn one(conn: &mut Conn, id: Id<id::ServiceOffering>) -> Result<Listed> {
    let found = whole(conn, &[id])?.into_iter().next();
    found.ok_or_else(|| Error::NotFound { what: "service offering", id: id.to_string() })
}

/// The domains whose own offerings the caller may use: those above the caller's and, for administrators of domains, those
/// below. `None`: all.
pub(super) fn usable_domains(
    conn: &mut Conn,
    caller: &Caller,
) -> Result<Option<Vec<Id<id::Domain>>>> {
    let with_below = match caller.scope().reach() {
        Reach::All => return Ok(None),
        Reach::Domain { .. } => true,
        Reach::Account(_) => false,
    };
    let rows: Vec<(Id<id::Domain>, String)> = domain::table
        .filter(domain::alive.eq(true))
        .select((domain::id, domain::path))
        .load(conn)?;
    let own = caller.domain_path.as_str();
    let usable = |path: &str| own.starts_with(path) || (with_below && path.starts_with(own));
    Ok(Some(rows.into_iter().filter(|(_, path)| usable(path)).map(|(id, _)| id).collect()))
}

/// Inserts an offering with its details.
pub fn insert(tx: &mut Tx<'_>, offering: &Offering, details: &Details) -> Result<()> {
    insert_into(service_offering::table).values(offering).execute(&mut **tx)?;
    detail::put(tx, offering.id, details)
}

/// What of an offering can change.
#[derive(Debug, Clone, Default, diesel::AsChangeset)]
#[diesel(table_name = service_offering)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub display_text: Option<String>,
    /// Host tags.
    pub host_tags: Option<String>,
    /// Storage tags.
    pub storage_tags: Option<String>,
    /// `Active` or `Inactive`.
    pub state: Option<String>,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.display_text.is_none()
            && self.host_tags.is_none()
            && self.storage_tags.is_none()
            && self.state.is_none()
    }
}

/// Changes an offering.
pub fn change(tx: &mut Tx<'_>, id: Id<id::ServiceOffering>, change: &Change) -> Result<()> {
    if !change.is_empty() {
        update(service_offering::table.filter(service_offering::id.eq(id)))
            .set(change)
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// Removes an offering from sight; instances that use it keep it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::ServiceOffering>) -> Result<()> {
    update(service_offering::table.filter(service_offering::id.eq(id)))
        .set((
            service_offering::removed.eq(clock().nullable()),
            service_offering::state.eq("Inactive"),
        ))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)
}

/// Whether the caller, who is no root admin, may administer the offering: one of a domain in reach.
pub fn may_administer(
    conn: &mut Conn,
    caller: &Caller,
    id: Id<id::ServiceOffering>,
) -> Result<bool> {
    let path: Option<Option<String>> = diesel::OptionalExtension::optional(
        service_offering::table
            .left_join(domain::table.on(service_offering::domain_id.eq(domain::id.nullable())))
            .filter(service_offering::id.eq(id))
            .select(domain::path.nullable())
            .first(conn),
    )?;
    Ok(match caller.scope().reach() {
        Reach::All => true,
        Reach::Domain { path: own } => path.flatten().is_some_and(|path| path.starts_with(own)),
        Reach::Account(_) => false,
    })
}

/// The profile that the two words of the older way mean: a card by its name (or `Group of <vendor> <hardware> GPUs`) and
/// one of its profiles by name.
pub fn profile_by_words(
    conn: &mut Conn,
    group: &str,
    kind: &str,
) -> Result<Option<Id<id::VgpuProfile>>> {
    let rows: Vec<(Id<id::VgpuProfile>, String, String, String)> = vgpu_profile::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
        .filter(vgpu_profile::name.eq(kind))
        .order(vgpu_profile::id)
        .select((vgpu_profile::id, gpu_card::name, gpu_card::vendor_name, gpu_card::device_name))
        .load(conn)?;
    let means = |name: &str, vendor: &str, device: &str| {
        group == name
            || group == format!("{vendor} {device}")
            || group == format!("Group of {vendor} {device} GPUs")
    };
    let found = rows.iter().find(|(_, name, vendor, device)| means(name, vendor, device));
    Ok(found.map(|(id, ..)| *id))
}
