//! Whether devices can be trusted: missing, used by a stranger, quarantined; each with its alert.

use super::{Tx, alert, clock, host::touch, schema::gpu_device};
use crate::{
    domain::{
        Id, Kind,
        alert::{GPU_FOREIGN, GPU_MISSING, GPU_QUARANTINED},
        gpu::{Health, reconcile::Change},
        id,
        machine::Proof,
    },
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, update,
};

/// Changes of health and of the count of probes without it; they touch nothing else.
pub(super) fn judge(tx: &mut Tx<'_>, change: &Change) -> Result<()> {
    match change {
        Change::Missed { id, missed } => set_missed(tx, *id, *missed),
        Change::MarkMissing { id, missed, reason } => {
            set_missed(tx, *id, *missed)?;
            set_health(tx, *id, Health::Missing, Some(reason))?;
            let text = format!("GPU device {id} is missing: {reason}");
            alert::raise(tx, GPU_MISSING, &text, (Kind::GpuDevice, id.uuid()))
        }
        Change::Returned { id } => {
            set_missed(tx, *id, 0)?;
            update(
                gpu_device::table
                    .filter(gpu_device::id.eq(*id).and(gpu_device::health.eq(Health::Missing))),
            )
            .set((
                gpu_device::health.eq(Health::Ok),
                gpu_device::health_reason.eq(None::<String>),
                gpu_device::since.eq(clock()),
            ))
            .execute(&mut **tx)?;
            alert::resolve(tx, GPU_MISSING, id.uuid())
        }
        Change::Foreign { id, used_by } => {
            let why = used_by_text(used_by);
            set_health(tx, *id, Health::Foreign, Some(&why))?;
            alert::raise(tx, GPU_FOREIGN, &why, (Kind::GpuDevice, id.uuid()))
        }
        // becomes healthy by its proof, see the room of inventories in `command`; the rest is written elsewhere
        _ => Ok(()),
    }
}

pub(super) fn used_by_text(name: &str) -> String {
    format!("domain {name}, which does not hold it, uses this device")
}

fn set_missed(tx: &mut Tx<'_>, device: Id<id::GpuDevice>, missed: u32) -> Result<()> {
    update(gpu_device::table.filter(gpu_device::id.eq(device)))
        .set(gpu_device::missed.eq(i32::try_from(missed).unwrap_or(i32::MAX)))
        .execute(&mut **tx)?;
    Ok(())
}

/// The health of a device, from now on.
pub(super) fn set_health(
    tx: &mut Tx<'_>,
    device: Id<id::GpuDevice>,
    health: Health,
    why: Option<&str>,
) -> Result<()> {
    update(gpu_device::table.filter(gpu_device::id.eq(device)))
        .set((
            gpu_device::health.eq(health),
            gpu_device::health_reason.eq(why),
            gpu_device::since.eq(clock()),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// What a proof said about a device that a stranger had used: it is free, or quarantined. Left alone when it is not
/// `Foreign` any more.
pub fn settle_foreign(tx: &mut Tx<'_>, device: Id<id::GpuDevice>, proof: &Proof) -> Result<()> {
    let (health, why) = match proof {
        Proof::Clean => (Health::Ok, None),
        Proof::Doubt(why) => (Health::Quarantined, Some(why.as_str())),
    };
    let foreign = gpu_device::id.eq(device).and(gpu_device::health.eq(Health::Foreign));
    let at: Option<Id<id::Host>> = gpu_device::table
        .filter(foreign)
        .select(gpu_device::host_id)
        .first(&mut **tx)
        .optional()?;
    let Some(at) = at else { return Ok(()) };
    touch(tx, at)?; // also the lock
    let changed = update(
        gpu_device::table
            .filter(gpu_device::id.eq(device).and(gpu_device::health.eq(Health::Foreign))),
    )
    .set((
        gpu_device::health.eq(health),
        gpu_device::health_reason.eq(why),
        gpu_device::since.eq(clock()),
    ))
    .execute(&mut **tx)?;
    if changed == 0 {
        return Ok(());
    }
    alert::resolve(tx, GPU_FOREIGN, device.uuid())?;
    match why {
        Some(why) => raise_quarantined(tx, device, why),
        None => Ok(()),
    }
}

/// Tells administrators of a device that is kept from everyone.
pub(super) fn raise_quarantined(
    tx: &mut Tx<'_>,
    device: Id<id::GpuDevice>,
    why: &str,
) -> Result<()> {
    let text = format!("GPU device {device} was not proven clean: {why}");
    alert::raise(tx, GPU_QUARANTINED, &text, (Kind::GpuDevice, device.uuid()))
}
