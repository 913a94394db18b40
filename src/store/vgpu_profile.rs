//! vGPU profiles: the ways to consume a card.

use super::{
    Conn, Tx, Window, clock, host, is_duplicate, like,
    schema::{gpu_card, gpu_device, vgpu_profile},
    write::first_use,
};
use crate::{
    domain::{Id, gpu::ProfileKind, id},
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, insert_into, update,
};

/// A profile.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = vgpu_profile)]
pub struct Profile {
    /// Its id.
    pub id: Id<id::VgpuProfile>,
    /// The card it is of.
    pub card_id: Id<id::GpuCard>,
    /// Its name: `passthrough`, `NVIDIA A16-4Q`, `1g.10gb`.
    pub name: String,
    /// One sentence.
    pub description: Option<String>,
    /// How it consumes the card.
    pub kind: ProfileKind,
    /// Memory in MiB.
    pub video_ram: Option<i64>,
    /// Displays.
    pub max_heads: Option<i64>,
    /// Pixels.
    pub max_resolution_x: Option<i64>,
    /// Pixels.
    pub max_resolution_y: Option<i64>,
    /// The most of it on one GPU.
    pub max_per_gpu: Option<i64>,
}

/// A profile with its card.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The profile.
    pub profile: Profile,
    /// The card.
    pub card: super::gpu_card::Card,
}

/// What may be changed of a profile; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, AsChangeset)]
#[diesel(table_name = vgpu_profile)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// Memory in MiB.
    pub video_ram: Option<i64>,
    /// Displays.
    pub max_heads: Option<i64>,
    /// Pixels.
    pub max_resolution_x: Option<i64>,
    /// Pixels.
    pub max_resolution_y: Option<i64>,
    /// The most of it on one GPU.
    pub max_per_gpu: Option<i64>,
}

/// Which profiles to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::VgpuProfile>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this card.
    pub card: Option<Id<id::GpuCard>>,
    /// Only those with devices.
    pub active_only: bool,
}

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Listed>)> {
    let query = || {
        let mut query = vgpu_profile::table
            .left_join(gpu_card::table.on(gpu_card::id.eq(vgpu_profile::card_id)))
            .filter(vgpu_profile::alive.eq(true))
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(vgpu_profile::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(vgpu_profile::name.eq(name.clone()));
        }
        if let Some(card) = filter.card {
            query = query.filter(vgpu_profile::card_id.eq(card));
        }
        if filter.active_only {
            let used =
                gpu_device::table.filter(gpu_device::alive.eq(true)).select(gpu_device::profile_id);
            query = query.filter(vgpu_profile::id.eq_any(used));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            query = query.filter(
                vgpu_profile::name
                    .like(word.clone())
                    .or(vgpu_profile::description.like(word.clone()))
                    .or(gpu_card::name.nullable().like(word)),
            );
        }
        query
    };
    let rows: Vec<(Profile, Option<super::gpu_card::Card>)> = window.page(
        query()
            .select((Profile::as_select(), Option::<super::gpu_card::Card>::as_select()))
            .order(vgpu_profile::id),
        conn,
    )?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    let listed =
        rows.into_iter().filter_map(|(profile, card)| Some(Listed { profile, card: card? }));
    Ok((count, listed.collect()))
}

/// One profile. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::VgpuProfile>) -> Result<Listed> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = list(conn, &filter, &Window::ALL)?.1.pop();
    found.ok_or_else(|| Error::NotFound { what: "vGPU profile", id: id.to_string() })
}

/// Inserts a profile. Error: conflict, when its card has one of this name.
pub fn insert(tx: &mut Tx<'_>, profile: &Profile) -> Result<()> {
    let outcome = insert_into(vgpu_profile::table).values(profile).execute(&mut **tx);
    unless_taken(outcome, "create", &profile.name)
}

/// Changes a profile. Error: conflict, when its card has another one of this name.
pub fn change(tx: &mut Tx<'_>, id: Id<id::VgpuProfile>, change: &Change) -> Result<()> {
    if *change == Change::default() {
        return Ok(());
    }
    let row = vgpu_profile::table.filter(vgpu_profile::id.eq(id).and(vgpu_profile::alive.eq(true)));
    if change.video_ram.is_some() {
        host::touch_with(tx, id, false)?;
    }
    let outcome = update(row).set(change).execute(&mut **tx);
    unless_taken(outcome, "update", change.name.as_deref().unwrap_or_default())
}

fn unless_taken(outcome: diesel::QueryResult<usize>, verb: &str, name: &str) -> Result<()> {
    let said = |error| {
        let error = Error::from(error);
        if is_duplicate(&error) {
            Error::Conflict(format!(
                "Failed to {verb} vGPU profile: vGPU profile with name {name} already exists"
            ))
        } else {
            error
        }
    };
    outcome.map(|_| ()).map_err(said)
}

/// Removes a profile. Error: in use, when devices or offerings have it; conflict, when it is its card's passthrough.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::VgpuProfile>) -> Result<()> {
    let found = get(tx, id)?.profile;
    let uses = [
        ("GPU devices", "gpu_device WHERE profile_id = {} AND alive = 1"),
        (
            "GPU devices",
            "gpu_slice_type t JOIN gpu_device d ON d.id = t.device_id WHERE t.profile_id = {} AND d.alive = 1",
        ),
        ("service offerings", "service_offering WHERE profile_id = {} AND removed IS NULL"),
        (
            "GPU offerings",
            "gpu_offering_alternative a JOIN gpu_offering o ON o.id = a.offering_id WHERE a.profile_id = {} AND o.alive = 1",
        ),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!(
            "Failed to delete vGPU profile: Cannot delete vGPU profile with ID {id} as it is in use by one or more {what}"
        )));
    }
    if found.kind == ProfileKind::Passthrough {
        return Err(Error::Conflict(format!(
            "Failed to delete vGPU profile: {} is its card's passthrough profile, which goes with the card",
            found.name
        )));
    }
    update(vgpu_profile::table.filter(vgpu_profile::id.eq(id)))
        .set((vgpu_profile::alive.eq(None::<bool>), vgpu_profile::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    Ok(())
}
