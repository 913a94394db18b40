//! GPU offerings: ordered lists of acceptable devices, and how to choose among hosts and devices.

use super::{
    Conn, Tx, Window, clock, is_duplicate, like,
    schema::{gpu_card, gpu_offering, gpu_offering_alternative, vgpu_profile},
    service_offering::usable_domains,
    write::first_use,
};
use crate::{
    domain::{
        Id, Time,
        gpu::ProfileKind,
        id,
        identity::Caller,
        placement::{NumaPolicy, Packing},
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, insert_into, update,
};

/// A GPU offering.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = gpu_offering)]
pub struct Offering {
    /// Its id.
    pub id: Id<id::GpuOffering>,
    /// Its name.
    pub name: String,
    /// What people read.
    pub display_text: String,
    /// Whether the first device shows a display.
    pub display: bool,
    /// Whether the devices must sit on one NUMA node.
    pub numa_policy: NumaPolicy,
    /// Whether instances are packed or spread.
    pub placement: Packing,
    /// `Active` or `Inactive`.
    pub state: String,
    /// The domain that may use it, with those below; `None`: everyone.
    pub domain_id: Option<Id<id::Domain>>,
    /// The zone it is for; `None`: all.
    pub zone_id: Option<Id<id::Zone>>,
}

/// One alternative, as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The card; `None`: that of the profile.
    pub card: Option<Id<id::GpuCard>>,
    /// The profile; `None`: the card's passthrough.
    pub profile: Option<Id<id::VgpuProfile>>,
    /// How many.
    pub count: i32,
}

/// One alternative.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The card.
    pub card: Id<id::GpuCard>,
    /// Its name.
    pub card_name: String,
    /// The profile.
    pub profile: Id<id::VgpuProfile>,
    /// Its name.
    pub profile_name: String,
    /// How many.
    pub count: i32,
    /// Memory of one in MiB; `None`: unknown.
    pub video_ram: Option<i64>,
}

/// An offering with its alternatives, the best first.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The offering.
    pub offering: Offering,
    /// When it was made.
    pub created: Time,
    /// The first that fits wins.
    pub alternatives: Vec<Alternative>,
}

/// What may be changed; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, AsChangeset)]
#[diesel(table_name = gpu_offering)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// What people read.
    pub display_text: Option<String>,
    /// `Active` or `Inactive`.
    pub state: Option<String>,
    /// Whether the first device shows a display.
    pub display: Option<bool>,
    /// Whether the devices must sit on one NUMA node.
    pub numa_policy: Option<NumaPolicy>,
    /// Whether instances are packed or spread.
    pub placement: Option<Packing>,
    /// The domain that may use it; `Some(None)`: everyone.
    pub domain_id: Option<Option<Id<id::Domain>>>,
    /// The zone it is for; `Some(None)`: all.
    pub zone_id: Option<Option<Id<id::Zone>>>,
}

/// Which offerings to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::GpuOffering>>,
    /// With this name.
    pub name: Option<String>,
    /// With an alternative of this card.
    pub card: Option<Id<id::GpuCard>>,
    /// With an alternative of this profile.
    pub profile: Option<Id<id::VgpuProfile>>,
    /// In this state.
    pub state: Option<String>,
    /// Usable in this zone.
    pub zone: Option<Id<id::Zone>>,
    /// Usable by this caller; `None`: by anybody.
    pub usable_by: Option<Caller>,
}

/// How many match, and one page of them, oldest first. Two or three statements.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Listed>)> {
    let domains = match &filter.usable_by {
        Some(caller) => usable_domains(conn, caller)?,
        None => None,
    };
    let query = || {
        let mut query = gpu_offering::table.filter(gpu_offering::alive.eq(true)).into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(gpu_offering::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(gpu_offering::name.eq(name.clone()));
        }
        if let Some(state) = &filter.state {
            query = query.filter(gpu_offering::state.eq(state.clone()));
        }
        if let Some(zone) = filter.zone {
            let here = gpu_offering::zone_id.eq(zone);
            query = query.filter(here.nullable().or(gpu_offering::zone_id.is_null().nullable()));
        }
        if let Some(domains) = &domains {
            let mine = gpu_offering::domain_id.eq_any(domains.clone());
            query = query.filter(mine.nullable().or(gpu_offering::domain_id.is_null().nullable()));
        }
        let with = gpu_offering_alternative::table
            .inner_join(
                vgpu_profile::table.on(vgpu_profile::id.eq(gpu_offering_alternative::profile_id)),
            )
            .select(gpu_offering_alternative::offering_id);
        if let Some(card) = filter.card {
            let with = with.filter(vgpu_profile::card_id.eq(card));
            query = query.filter(gpu_offering::id.eq_any(with));
        }
        if let Some(profile) = filter.profile {
            let with = with.filter(vgpu_profile::id.eq(profile));
            query = query.filter(gpu_offering::id.eq_any(with));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            query = query.filter(
                gpu_offering::name.like(word.clone()).or(gpu_offering::display_text.like(word)),
            );
        }
        query
    };
    let rows: Vec<(Offering, Time)> = window.page(
        query().select((Offering::as_select(), gpu_offering::created)).order(gpu_offering::id),
        conn,
    )?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    let ids: Vec<_> = rows.iter().map(|(offering, _)| offering.id).collect();
    let mut of = alternatives(conn, &ids)?;
    let listed = rows.into_iter().map(|(offering, created)| {
        let (mine, others) = of.drain(..).partition(|(id, _)| *id == offering.id);
        of = others;
        let mine: Vec<(Id<id::GpuOffering>, Alternative)> = mine;
        let alternatives = mine.into_iter().map(|(_, alternative)| alternative).collect();
        Listed { offering, created, alternatives }
    });
    Ok((count, listed.collect()))
}

/// One offering that is alive. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::GpuOffering>) -> Result<Listed> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = list(conn, &filter, &Window::ALL)?.1.pop();
    found.ok_or_else(|| Error::NotFound { what: "GPU offering", id: id.to_string() })
}

fn alternatives(
    conn: &mut Conn,
    of: &[Id<id::GpuOffering>],
) -> Result<Vec<(Id<id::GpuOffering>, Alternative)>> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    type Row = (
        Id<id::GpuOffering>,
        (Id<id::GpuCard>, String),
        (Id<id::VgpuProfile>, String, Option<i64>),
        i32,
    );
    let rows: Vec<Row> = gpu_offering_alternative::table
        .inner_join(
            vgpu_profile::table.on(vgpu_profile::id.eq(gpu_offering_alternative::profile_id)),
        )
        .inner_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
        .filter(gpu_offering_alternative::offering_id.eq_any(of))
        .order((gpu_offering_alternative::offering_id, gpu_offering_alternative::position))
        .select((
            gpu_offering_alternative::offering_id,
            (gpu_card::id, gpu_card::name),
            (vgpu_profile::id, vgpu_profile::name, vgpu_profile::video_ram),
            gpu_offering_alternative::count,
        ))
        .load(conn)?;
    let alternative = |((card, card_name), (profile, profile_name, video_ram), count)| {
        Alternative { card, card_name, profile, profile_name, count, video_ram }
    };
    Ok(rows
        .into_iter()
        .map(|(id, card, profile, n)| (id, alternative((card, profile, n))))
        .collect())
}

/// Inserts an offering with its alternatives in order. Errors: conflict, when the name is taken; invalid, when an
/// alternative names what is not there or is there twice.
pub fn insert(tx: &mut Tx<'_>, offering: &Offering, wanted: &[Wanted]) -> Result<()> {
    let chosen = chosen(tx, wanted)?;
    let outcome = insert_into(gpu_offering::table).values(offering).execute(&mut **tx);
    unless_taken(outcome, "create", &offering.name)?;
    put_alternatives(tx, offering.id, chosen)
}

/// Other alternatives for an offering; instances that were made with it keep what they asked.
pub fn set_alternatives(tx: &mut Tx<'_>, id: Id<id::GpuOffering>, wanted: &[Wanted]) -> Result<()> {
    let chosen = chosen(tx, wanted)?;
    let old = gpu_offering_alternative::table.filter(gpu_offering_alternative::offering_id.eq(id));
    diesel::delete(old).execute(&mut **tx)?;
    put_alternatives(tx, id, chosen)
}

/// What is wanted, by profiles; each once.
fn chosen(conn: &mut Conn, wanted: &[Wanted]) -> Result<Vec<(Id<id::VgpuProfile>, i32)>> {
    let mut chosen = Vec::with_capacity(wanted.len());
    for one in wanted {
        let next = (profile_of(conn, one)?, one.count);
        if chosen.contains(&next) {
            return Err(Error::invalid(
                "Failed to create GPU offering: an alternative is there twice",
            ));
        }
        chosen.push(next);
    }
    Ok(chosen)
}

fn put_alternatives(
    tx: &mut Tx<'_>,
    id: Id<id::GpuOffering>,
    chosen: Vec<(Id<id::VgpuProfile>, i32)>,
) -> Result<()> {
    let rows: Vec<_> = (0..)
        .zip(chosen)
        .map(|(position, (profile, count))| {
            (
                gpu_offering_alternative::offering_id.eq(id),
                gpu_offering_alternative::position.eq::<i32>(position),
                gpu_offering_alternative::profile_id.eq(profile),
                gpu_offering_alternative::count.eq(count),
            )
        })
        .collect();
    insert_into(gpu_offering_alternative::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

fn profile_of(conn: &mut Conn, wanted: &Wanted) -> Result<Id<id::VgpuProfile>> {
    let mut query = vgpu_profile::table.filter(vgpu_profile::alive.eq(true)).into_boxed();
    if let Some(card) = wanted.card {
        query = query.filter(vgpu_profile::card_id.eq(card));
    }
    query = match wanted.profile {
        Some(profile) => query.filter(vgpu_profile::id.eq(profile)),
        None => query.filter(vgpu_profile::kind.eq(ProfileKind::Passthrough)),
    };
    let found: Vec<Id<id::VgpuProfile>> = query.select(vgpu_profile::id).limit(1).load(conn)?;
    found.first().copied().ok_or_else(|| {
        Error::Invalid(match (wanted.card, wanted.profile) {
            (Some(card), Some(profile)) => format!(
                "Failed to create GPU offering: GPU card {card} has no vGPU profile {profile}"
            ),
            (Some(card), None) => {
                format!("Failed to create GPU offering: there is no GPU card {card}")
            }
            (None, Some(profile)) => {
                format!("Failed to create GPU offering: there is no vGPU profile {profile}")
            }
            (None, None) => {
                "Failed to create GPU offering: an alternative names no card".to_owned()
            }
        })
    })
}

/// Changes an offering. Error: conflict, when the name is taken.
pub fn change(tx: &mut Tx<'_>, id: Id<id::GpuOffering>, change: &Change) -> Result<()> {
    if *change == Change::default() {
        return Ok(());
    }
    let row = gpu_offering::table.filter(gpu_offering::id.eq(id).and(gpu_offering::alive.eq(true)));
    let outcome = update(row).set(change).execute(&mut **tx);
    unless_taken(outcome, "update", change.name.as_deref().unwrap_or_default())
}

/// Removes an offering; instances that were made with it keep their devices. Error: in use, by a service offering.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::GpuOffering>) -> Result<()> {
    let uses =
        [("service offerings", "service_offering WHERE gpu_offering_id = {} AND removed IS NULL")];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!(
            "Failed to delete GPU offering: Cannot delete GPU offering {id} as it is in use by one or more {what}"
        )));
    }
    update(gpu_offering::table.filter(gpu_offering::id.eq(id)))
        .set((gpu_offering::alive.eq(None::<bool>), gpu_offering::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    Ok(())
}

fn unless_taken(outcome: diesel::QueryResult<usize>, verb: &str, name: &str) -> Result<()> {
    let said = |error| {
        let error = Error::from(error);
        if is_duplicate(&error) {
            Error::Conflict(format!(
                "Failed to {verb} GPU offering: GPU offering with name {name} already exists"
            ))
        } else {
            error
        }
    };
    outcome.map(|_| ()).map_err(said)
}
