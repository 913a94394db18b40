//! What a new cloud knows of GPUs: the cards of the catalogue, each with its passthrough profile and its MIG sizes.

use super::{
    Tx, clock,
    schema::{gpu_card, vgpu_profile},
};
use crate::{
    domain::{
        Id, catalogue,
        gpu::{CardFacts, ProfileFacts, ProfileKind},
        id,
    },
    error::Result,
};
use diesel::{ExpressionMethods, RunQueryDsl, insert_into};

/// Seeds the catalogue. Two statements. Not to be repeated.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    let (mut cards, mut profiles) = (Vec::new(), Vec::new());
    for card in catalogue::cards() {
        let id = Id::<id::GpuCard>::mint();
        let facts = CardFacts {
            vendor_id: card.vendor_id,
            device_id: card.device_id,
            vendor_name: card.vendor.to_owned(),
            device_name: card.name.to_owned(),
            memory_mib: card.memory_mib,
            mig_family: card.mig_family,
        };
        cards.push((
            gpu_card::id.eq(id),
            gpu_card::vendor_id.eq(facts.vendor_hex()),
            gpu_card::device_id.eq(facts.device_hex()),
            gpu_card::vendor_name.eq(card.vendor),
            gpu_card::device_name.eq(card.name),
            gpu_card::name.eq(facts.name()),
        ));
        for profile in of_card(&facts) {
            profiles.push((
                vgpu_profile::id.eq(Id::<id::VgpuProfile>::mint()),
                vgpu_profile::card_id.eq(id),
                vgpu_profile::name.eq(profile.name.clone()),
                vgpu_profile::description.eq(profile.name),
                vgpu_profile::kind.eq(profile.kind),
                vgpu_profile::video_ram.eq(profile.memory_mib.and_then(|n| i64::try_from(n).ok())),
                vgpu_profile::max_per_gpu.eq(profile.max_per_gpu.map(i64::from)),
                vgpu_profile::created.eq(clock()),
            ));
        }
    }
    insert_into(gpu_card::table).values(cards).execute(&mut **tx)?;
    insert_into(vgpu_profile::table).values(profiles).execute(&mut **tx)?;
    Ok(())
}

/// The whole card, then the sizes it can be cut into.
fn of_card(card: &CardFacts) -> Vec<ProfileFacts> {
    let whole = ProfileFacts::passthrough(card);
    let sizes = card.mig_family.into_iter().flat_map(catalogue::mig_profiles);
    let sizes = sizes.map(|size| ProfileFacts {
        name: size.name.to_owned(),
        kind: ProfileKind::Mig,
        memory_mib: Some(u64::from(size.memory_gib) * 1024),
        max_heads: None,
        max_resolution: None,
        max_per_gpu: Some(size.max),
    });
    std::iter::once(whole.clone()).chain(sizes).collect()
}
