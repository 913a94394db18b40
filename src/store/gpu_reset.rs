//! A device that an administrator has reset: kept from everyone while it lasts, free or quarantined afterwards.

use super::{
    Tx, alert,
    gpu_claim::lock_host,
    gpu_health::{raise_quarantined, set_health},
    host::touch,
    schema::{gpu_allocation, gpu_device},
};
use crate::{
    domain::{Id, alert::GPU_QUARANTINED, gpu::Health, id, machine::Proof},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, RunQueryDsl,
};

/// The reason of a quarantine that lasts as long as the reset.
pub const BEING_RESET: &str = "it is being reset";

type Found = (
    (Id<id::Host>, Option<Id<id::GpuDevice>>, Option<i32>),
    (Health, Option<String>, Option<Id<id::Vm>>),
);

/// Keeps a device from everyone until [`settle`]; says where it is. Error: in use, when an instance holds it, a part of it
/// or its neighbour in the IOMMU group, or a stranger uses it; conflict, when there is nothing that could be reset.
pub fn begin(tx: &mut Tx<'_>, which: Id<id::GpuDevice>) -> Result<Id<id::Host>> {
    let gone = || Error::NotFound { what: "GPU device", id: which.to_string() };
    let is_it = gpu_device::id.eq(which).and(gpu_device::alive.eq(true));
    let at: Option<Id<id::Host>> =
        gpu_device::table.filter(is_it).select(gpu_device::host_id).first(&mut **tx).optional()?;
    let host = lock_host(tx, at.ok_or_else(gone)?)?;
    let held = gpu_allocation::device_id.eq(gpu_device::id).and(gpu_allocation::active.eq(true));
    let found: Option<Found> = gpu_device::table
        .left_join(gpu_allocation::table.on(held))
        .filter(is_it)
        .select((
            (gpu_device::host_id, gpu_device::parent_id, gpu_device::iommu_group),
            (gpu_device::health, gpu_device::health_reason, gpu_allocation::vm_id.nullable()),
        ))
        .first(&mut **tx)
        .optional()?;
    let ((_, parent, group), (health, reason, holder)) = found.ok_or_else(gone)?;
    let refused = |why: String| format!("Cannot reset GPU device {which}: {why}");
    if let Some(vm) = holder {
        return Err(Error::InUse(refused(format!("it is in use by VM {vm}"))));
    }
    if reason.as_deref() == Some(BEING_RESET) {
        return Err(Error::Conflict(refused("it is being reset already".to_owned())));
    }
    let why = reason.unwrap_or_default();
    match health {
        Health::Ok | Health::Quarantined => {}
        Health::Missing => return Err(Error::Conflict(refused(format!("it is missing, {why}")))),
        Health::Foreign => return Err(Error::InUse(refused(why))),
    }
    if host.state != "Up" {
        return Err(Error::Conflict(refused(format!("its host is {}", host.state))));
    }
    check_kin(tx, (which, host.id), (parent, group), refused)?;
    set_health(tx, which, Health::Quarantined, Some(BEING_RESET))?;
    touch(tx, host.id)?;
    Ok(host.id)
}

/// Refuses what would touch others: parts of it, its GPU, its neighbours in the IOMMU group.
fn check_kin(
    tx: &mut Tx<'_>,
    (which, host): (Id<id::GpuDevice>, Id<id::Host>),
    (parent, group): (Option<Id<id::GpuDevice>>, Option<i32>),
    refused: impl Fn(String) -> String,
) -> Result<()> {
    let held = gpu_allocation::device_id.eq(gpu_device::id).and(gpu_allocation::active.eq(true));
    // what shares its fate: its parts, its GPU, the others of its IOMMU group
    let mut kin = gpu_device::table
        .inner_join(gpu_allocation::table.on(held))
        .filter(gpu_device::host_id.eq(host).and(gpu_device::alive.eq(true)))
        .select((gpu_device::id, gpu_allocation::vm_id))
        .into_boxed();
    let is_part = gpu_device::parent_id.assume_not_null().eq(which);
    let is_whole = gpu_device::id.nullable().eq(parent);
    kin = match group {
        Some(group) => {
            kin.filter(is_part.or(is_whole).or(gpu_device::iommu_group.assume_not_null().eq(group)))
        }
        None => kin.filter(is_part.or(is_whole)),
    };
    if let Some((other, vm)) = kin.first::<(Id<id::GpuDevice>, Id<id::Vm>)>(&mut **tx).optional()? {
        let why = format!("GPU device {other}, which shares its hardware, is in use by VM {vm}");
        return Err(Error::InUse(refused(why)));
    }
    let part = gpu_device::table
        .filter(gpu_device::parent_id.assume_not_null().eq(which).and(gpu_device::alive.eq(true)))
        .select(gpu_device::id)
        .first::<Id<id::GpuDevice>>(&mut **tx)
        .optional()?;
    if let Some(part) = part {
        let why = format!("it is used in slices, GPU device {part} is one");
        return Err(Error::Conflict(refused(why)));
    }
    Ok(())
}

/// Whether the device is still kept for its reset.
pub fn is_kept(tx: &mut Tx<'_>, which: Id<id::GpuDevice>) -> Result<bool> {
    let reason: Option<Option<String>> = gpu_device::table
        .filter(gpu_device::id.eq(which).and(gpu_device::alive.eq(true)))
        .select(gpu_device::health_reason)
        .for_update()
        .first(&mut **tx)
        .optional()?;
    Ok(reason.flatten().as_deref() == Some(BEING_RESET))
}

/// The end of a reset: the device is free, or quarantined with an alert. Safe to repeat.
pub fn settle(tx: &mut Tx<'_>, which: Id<id::GpuDevice>, proof: &Proof) -> Result<()> {
    let host: Option<Id<id::Host>> = gpu_device::table
        .filter(gpu_device::id.eq(which))
        .select(gpu_device::host_id)
        .first(&mut **tx)
        .optional()?;
    let Some(host) = host else { return Ok(()) };
    touch(tx, host)?; // also the lock
    if !is_kept(tx, which)? {
        return Ok(());
    }
    match proof {
        Proof::Clean => {
            set_health(tx, which, Health::Ok, None)?;
            alert::resolve(tx, GPU_QUARANTINED, which.uuid())
        }
        Proof::Doubt(why) => {
            set_health(tx, which, Health::Quarantined, Some(why))?;
            raise_quarantined(tx, which, why)
        }
    }
}
