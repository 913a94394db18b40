//! Removing a host with everything that is only its own: devices, local pools.

use super::{
    Tx, clock, host,
    schema::{gpu_allocation, gpu_device, host as hosts, storage_pool, template_copy},
    write::first_use,
};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl, delete, dsl::exists,
    dsl::not, update,
};

/// Removes a host, retires its devices and its local pools. Errors: in use, while an instance is on it or a disk lies
/// on it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Host>) -> Result<()> {
    let found = host::hold(tx, id)?;
    let uses = [
        (
            "instances that run on it",
            "vm WHERE host_id = {} AND removed IS NULL AND state IN ('Starting', 'Running', 'Stopping')",
        ),
        ("GPU devices that instances hold", "gpu_allocation WHERE host_id = {} AND active = 1"),
        (
            "disks in its local storage",
            "volume JOIN storage_pool p ON p.id = volume.pool_id WHERE p.host_id = {} AND volume.removed IS NULL",
        ),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!("Host {} cannot be removed: it has {what}", found.name)));
    }
    let held = gpu_allocation::table
        .filter(gpu_allocation::device_id.eq(gpu_device::id))
        .filter(gpu_allocation::active.eq(true));
    update(
        gpu_device::table
            .filter(gpu_device::host_id.eq(id))
            .filter(gpu_device::alive.eq(true))
            .filter(not(exists(held))),
    )
    .set((gpu_device::alive.eq(None::<bool>), gpu_device::removed.eq(clock().nullable())))
    .execute(&mut **tx)?;
    let pools = storage_pool::table.filter(storage_pool::host_id.eq(id)).select(storage_pool::id);
    delete(template_copy::table.filter(template_copy::pool_id.eq_any(pools))).execute(&mut **tx)?;
    update(storage_pool::table.filter(storage_pool::host_id.eq(id)))
        .filter(storage_pool::alive.eq(true))
        .set((storage_pool::alive.eq(None::<bool>), storage_pool::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    update(hosts::table.filter(hosts::id.eq(id)))
        .set((
            (hosts::alive.eq(None::<bool>), hosts::removed.eq(clock().nullable())),
            (hosts::generation.eq(hosts::generation + 1), hosts::changed.eq(clock())),
        ))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)
}
