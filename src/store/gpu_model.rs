//! Cards and profiles as discovery needs them: found, or made with the names and the memory that are known.

use super::{
    Conn, Tx, host, is_duplicate,
    schema::{gpu_card, gpu_device, vgpu_profile},
};
use crate::{
    domain::{
        Id,
        gpu::{CardFacts, Observed, ProfileFacts, ProfileKind},
        id,
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl, insert_into,
    sql_types::{BigInt, Nullable, Text},
};
use std::collections::HashMap;

/// A profile that exists.
pub type Known = (Id<id::VgpuProfile>, String, ProfileKind);

/// The cards and profiles of some devices.
#[derive(Debug, Default)]
pub struct Models {
    cards: HashMap<(u16, u16), Id<id::GpuCard>>,
    profiles: HashMap<Id<id::GpuCard>, Vec<Known>>,
}

impl Models {
    /// The card with these ids.
    pub fn card(&self, facts: &CardFacts) -> Result<Id<id::GpuCard>> {
        let found = self.cards.get(&(facts.vendor_id, facts.device_id)).copied();
        found.ok_or_else(|| Error::internal("a card was not made"))
    }

    /// The profile of the card.
    pub fn profile(
        &self,
        card: Id<id::GpuCard>,
        facts: &ProfileFacts,
    ) -> Result<Id<id::VgpuProfile>> {
        find(self.profiles.get(&card).map_or(&[][..], Vec::as_slice), facts)
    }
}

/// The profile among these: the whole card by its kind, whatever an administrator calls it, others by name.
pub fn find(profiles: &[Known], facts: &ProfileFacts) -> Result<Id<id::VgpuProfile>> {
    position(profiles, facts).ok_or_else(|| Error::internal("a profile was not made"))
}

fn position(profiles: &[Known], facts: &ProfileFacts) -> Option<Id<id::VgpuProfile>> {
    let is_whole = facts.kind == ProfileKind::Passthrough;
    let by_kind = profiles.iter().find(|p| is_whole && p.2 == ProfileKind::Passthrough);
    let by_name = || profiles.iter().find(|p| p.1.eq_ignore_ascii_case(&facts.name));
    by_kind.or_else(by_name).map(|p| p.0)
}

/// All cards and profiles of these devices exist. No statement when there is none.
pub fn ensure<'a>(tx: &mut Tx<'_>, devices: impl Iterator<Item = &'a Observed>) -> Result<Models> {
    let mut models = Models::default();
    let mut wanted: Vec<(&CardFacts, Vec<&ProfileFacts>)> = Vec::new();
    for device in devices {
        match wanted.iter_mut().find(|(card, _)| *card == &device.card) {
            Some((_, profiles)) => profiles.push(&device.profile),
            None => wanted.push((&device.card, vec![&device.profile])),
        }
    }
    for (card, profiles) in wanted {
        let id = ensure_card(tx, card)?;
        models.cards.insert((card.vendor_id, card.device_id), id);
        models.profiles.insert(id, ensure_profiles(tx, id, profiles.into_iter())?);
    }
    Ok(models)
}

/// What was not known of the profiles of these devices is taken from them; nothing that is known changes.
pub fn complete<'a>(
    tx: &mut Tx<'_>,
    devices: impl Iterator<Item = &'a Observed> + Clone,
) -> Result<()> {
    let models = ensure(tx, devices.clone())?;
    for device in devices {
        let id = models.profile(models.card(&device.card)?, &device.profile)?;
        let ProfileFacts { memory_mib, max_heads, max_resolution, max_per_gpu, .. } =
            device.profile;
        let (x, y) = max_resolution.unzip();
        if memory_mib.is_some() {
            host::touch_with(tx, id, true)?;
        }
        let text = "UPDATE vgpu_profile SET video_ram = COALESCE(video_ram, ?), max_heads = COALESCE(max_heads, ?), \
            max_resolution_x = COALESCE(max_resolution_x, ?), max_resolution_y = COALESCE(max_resolution_y, ?), \
            max_per_gpu = COALESCE(max_per_gpu, ?) WHERE id = ?";
        diesel::sql_query(text)
            .bind::<Nullable<BigInt>, _>(memory_mib.and_then(|n| i64::try_from(n).ok()))
            .bind::<Nullable<BigInt>, _>(max_heads.map(i64::from))
            .bind::<Nullable<BigInt>, _>(x.map(i64::from))
            .bind::<Nullable<BigInt>, _>(y.map(i64::from))
            .bind::<Nullable<BigInt>, _>(max_per_gpu.map(i64::from))
            .bind::<Text, _>(id)
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// The card of a device.
pub fn card_of(conn: &mut Conn, device: Id<id::GpuDevice>) -> Result<Id<id::GpuCard>> {
    let found = gpu_device::table.filter(gpu_device::id.eq(device)).select(gpu_device::card_id);
    Ok(found.first(conn)?)
}

fn ensure_card(tx: &mut Tx<'_>, facts: &CardFacts) -> Result<Id<id::GpuCard>> {
    let (vendor, device) = (facts.vendor_hex(), facts.device_hex());
    let found: Vec<Id<id::GpuCard>> = gpu_card::table
        .filter(gpu_card::vendor_id.eq(&vendor).and(gpu_card::device_id.eq(&device)))
        .filter(gpu_card::alive.eq(true))
        .select(gpu_card::id)
        .load(&mut **tx)?;
    if let Some(id) = found.first() {
        return Ok(*id);
    }
    insert_card(tx, facts)
}

/// A card with its passthrough profile.
pub fn insert_card(tx: &mut Tx<'_>, facts: &CardFacts) -> Result<Id<id::GpuCard>> {
    let id = Id::<id::GpuCard>::mint();
    insert_into(gpu_card::table)
        .values((
            gpu_card::id.eq(id),
            gpu_card::vendor_id.eq(facts.vendor_hex()),
            gpu_card::device_id.eq(facts.device_hex()),
            gpu_card::vendor_name.eq(&facts.vendor_name),
            gpu_card::device_name.eq(&facts.device_name),
            gpu_card::name.eq(cut(&facts.name())),
        ))
        .execute(&mut **tx)
        .map_err(raced)?;
    insert_profile(tx, id, &ProfileFacts::passthrough(facts))?;
    Ok(id)
}

/// All these profiles of a card exist; returns every profile that the card has.
pub fn ensure_profiles<'a>(
    tx: &mut Tx<'_>,
    card: Id<id::GpuCard>,
    wanted: impl Iterator<Item = &'a ProfileFacts>,
) -> Result<Vec<Known>> {
    let mut known: Vec<Known> = vgpu_profile::table
        .filter(vgpu_profile::card_id.eq(card).and(vgpu_profile::alive.eq(true)))
        .order(vgpu_profile::id)
        .select((vgpu_profile::id, vgpu_profile::name, vgpu_profile::kind))
        .load(&mut **tx)?;
    for facts in wanted {
        if position(&known, facts).is_none() {
            let id = insert_profile(tx, card, facts)?;
            known.push((id, facts.name.clone(), facts.kind));
        }
    }
    Ok(known)
}

/// A profile of a card.
pub fn insert_profile(
    tx: &mut Tx<'_>,
    card: Id<id::GpuCard>,
    facts: &ProfileFacts,
) -> Result<Id<id::VgpuProfile>> {
    let id = Id::<id::VgpuProfile>::mint();
    let (x, y) = facts.max_resolution.unzip();
    insert_into(vgpu_profile::table)
        .values((
            vgpu_profile::id.eq(id),
            vgpu_profile::card_id.eq(card),
            vgpu_profile::name.eq(&facts.name),
            vgpu_profile::description.eq(&facts.name),
            vgpu_profile::kind.eq(facts.kind),
            vgpu_profile::video_ram.eq(facts.memory_mib.and_then(|n| i64::try_from(n).ok())),
            vgpu_profile::max_heads.eq(facts.max_heads.map(i64::from)),
            vgpu_profile::max_resolution_x.eq(x.map(i64::from)),
            vgpu_profile::max_resolution_y.eq(y.map(i64::from)),
            vgpu_profile::max_per_gpu.eq(facts.max_per_gpu.map(i64::from)),
        ))
        .execute(&mut **tx)
        .map_err(raced)?;
    Ok(id)
}

/// Somebody made the same at the same time: look again.
fn raced(error: diesel::result::Error) -> Error {
    let error = Error::from(error);
    if is_duplicate(&error) { Error::LostRace("GPU card") } else { error }
}

fn cut(text: &str) -> String {
    text.chars().take(255).collect()
}
