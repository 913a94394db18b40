//! GPU cards: rows and queries.

use super::{
    Conn, Tx, Window, clock, is_duplicate, like,
    schema::{gpu_card, gpu_device, vgpu_profile},
    write::first_use,
};
use crate::{
    domain::{Id, gpu::ProfileKind, id},
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, insert_into, update,
};

/// What may be changed of a card; `None` leaves it as it is.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = gpu_card)]
pub struct Change {
    /// Vendor name.
    pub vendor_name: Option<String>,
    /// Hardware name.
    pub device_name: Option<String>,
    /// Display name.
    pub name: Option<String>,
}

/// A GPU card.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = gpu_card)]
pub struct Card {
    /// Its id.
    pub id: Id<id::GpuCard>,
    /// PCI vendor id, four hexadecimal digits.
    pub vendor_id: String,
    /// PCI device id, four hexadecimal digits.
    pub device_id: String,
    /// Vendor name.
    pub vendor_name: String,
    /// Hardware name.
    pub device_name: String,
    /// Display name.
    pub name: String,
}

/// Which cards to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::GpuCard>>,
    /// With this vendor name.
    pub vendor_name: Option<String>,
    /// With this vendor id.
    pub vendor_id: Option<String>,
    /// With this device id.
    pub device_id: Option<String>,
    /// With this hardware name.
    pub device_name: Option<String>,
    /// Only those with devices.
    pub active_only: bool,
}

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Card>)> {
    let query = || {
        let mut query = gpu_card::table.filter(gpu_card::alive.eq(true)).into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(gpu_card::id.eq(id));
        }
        if let Some(name) = &filter.vendor_name {
            query = query.filter(gpu_card::vendor_name.eq(name.clone()));
        }
        if let Some(id) = &filter.vendor_id {
            query = query.filter(gpu_card::vendor_id.eq(id.clone()));
        }
        if let Some(id) = &filter.device_id {
            query = query.filter(gpu_card::device_id.eq(id.clone()));
        }
        if let Some(name) = &filter.device_name {
            query = query.filter(gpu_card::device_name.eq(name.clone()));
        }
        if filter.active_only {
            let used =
                gpu_device::table.filter(gpu_device::alive.eq(true)).select(gpu_device::card_id);
            query = query.filter(gpu_card::id.eq_any(used));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            query = query.filter(
                gpu_card::name
                    .like(word.clone())
                    .or(gpu_card::device_name.like(word.clone()))
                    .or(gpu_card::vendor_name.like(word)),
            );
        }
        query
    };
    let rows = window.page(query().select(Card::as_select()).order(gpu_card::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// Inserts a card with its passthrough profile. Error: conflict, when the ids are known.
pub fn insert(tx: &mut Tx<'_>, card: &Card, video_ram: Option<i64>) -> Result<()> {
    insert_into(gpu_card::table).values(card).execute(&mut **tx).map_err(|error| {
        let error = Error::from(error);
        if is_duplicate(&error) {
            Error::Conflict(format!(
                "Failed to create GPU card: GPU card with vendor ID {} and device ID {} already exists",
                card.vendor_id, card.device_id
            ))
        } else {
            error
        }
    })?;
    insert_into(vgpu_profile::table)
        .values((
            vgpu_profile::id.eq(Id::<id::VgpuProfile>::mint()),
            vgpu_profile::card_id.eq(card.id),
            vgpu_profile::name.eq("passthrough"),
            vgpu_profile::description.eq("passthrough"),
            vgpu_profile::kind.eq(ProfileKind::Passthrough),
            vgpu_profile::video_ram.eq(video_ram),
            vgpu_profile::max_per_gpu.eq(1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// One card.
pub fn get(conn: &mut Conn, id: Id<id::GpuCard>) -> Result<Card> {
    let found = gpu_card::table
        .filter(gpu_card::id.eq(id).and(gpu_card::alive.eq(true)))
        .select(Card::as_select())
        .first(conn)
        .optional()?;
    found.ok_or_else(|| Error::NotFound { what: "GPU card", id: id.to_string() })
}

/// Changes names.
pub fn change(tx: &mut Tx<'_>, id: Id<id::GpuCard>, change: &Change) -> Result<()> {
    let Change { vendor_name, device_name, name } = change;
    if vendor_name.is_none() && device_name.is_none() && name.is_none() {
        return Ok(());
    }
    update(gpu_card::table.filter(gpu_card::id.eq(id).and(gpu_card::alive.eq(true))))
        .set(change)
        .execute(&mut **tx)?;
    Ok(())
}

/// Removes a card and its profiles. Error: in use, when devices or offerings are of it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::GpuCard>) -> Result<()> {
    let card = get(tx, id)?;
    let uses = [
        ("GPU devices", "gpu_device WHERE card_id = {} AND alive = 1"),
        (
            "service offerings",
            "service_offering s JOIN vgpu_profile p ON p.id = s.profile_id WHERE p.card_id = {} AND s.removed IS NULL",
        ),
        (
            "GPU offerings",
            "gpu_offering_alternative a JOIN gpu_offering o ON o.id = a.offering_id JOIN vgpu_profile p ON p.id = a.profile_id WHERE p.card_id = {} AND o.alive = 1",
        ),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!(
            "Failed to delete GPU card: Cannot delete GPU card {} ({id}) as it is in use by one or more {what}",
            card.name
        )));
    }
    let gone = (vgpu_profile::alive.eq(None::<bool>), vgpu_profile::removed.eq(clock().nullable()));
    update(
        vgpu_profile::table.filter(vgpu_profile::card_id.eq(id).and(vgpu_profile::alive.eq(true))),
    )
    .set(gone)
    .execute(&mut **tx)?;
    update(gpu_card::table.filter(gpu_card::id.eq(id)))
        .set((gpu_card::alive.eq(None::<bool>), gpu_card::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    Ok(())
}
