//! Devices that get no new instance: a switch of each device, and of a host for those that it shows later.

use super::{
    Tx,
    gpu_change::lock_hosts_of,
    gpu_claim::lock_host,
    host::touch,
    schema::{gpu_device, host},
};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl, update};

/// Turns the switch of all these devices and of their parts, or of none.
pub fn devices(tx: &mut Tx<'_>, ids: &[Id<id::GpuDevice>], is_draining: bool) -> Result<()> {
    lock_hosts_of(tx, ids)?;
    let parts = gpu_device::parent_id.eq_any(ids.iter().map(|id| Some(*id)));
    let drained = gpu_device::draining.eq(is_draining);
    update(gpu_device::table.filter(gpu_device::id.eq_any(ids))).set(drained).execute(&mut **tx)?;
    update(gpu_device::table.filter(parts)).set(drained).execute(&mut **tx)?;
    Ok(())
}

/// Turns the switch of a host, and of all its devices.
pub fn host(tx: &mut Tx<'_>, which: Id<id::Host>, is_draining: bool) -> Result<()> {
    lock_host(tx, which)?;
    touch(tx, which)?;
    update(host::table.filter(host::id.eq(which)))
        .set(host::draining.eq(is_draining))
        .execute(&mut **tx)?;
    let all = gpu_device::host_id.eq(which).and(gpu_device::alive.eq(true));
    update(gpu_device::table.filter(all))
        .set(gpu_device::draining.eq(is_draining))
        .execute(&mut **tx)?;
    Ok(())
}
