//! Which GPUs of a host are wired to each other: the operator's word, written where claims read it.

use super::{
    Tx,
    host::touch,
    schema::{gpu_device, host},
};
use crate::{
    domain::{
        Id,
        gpu::{PciAddress, fabric::Board},
        id,
    },
    error::Result,
};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl, update};

/// Writes what the boards say of a host and its GPUs, where the books say something else; the caller holds the host's
/// lock. Devices that are held keep what they are: a partition is asked about when it is given away. Two statements
/// when nothing changed.
pub fn apply(tx: &mut Tx<'_>, which: Id<id::Host>, boards: &[Board]) -> Result<()> {
    let (name, known): (String, Option<String>) = host::table
        .filter(host::id.eq(which))
        .select((host::name, host::fabric))
        .first(&mut **tx)?;
    let board = Board::of(boards, &name);
    if board.is_none() && known.is_none() {
        return Ok(());
    }
    let wanted = board.map(|board| board.fabric.to_string());
    let mut is_changed = wanted != known;
    if is_changed {
        update(host::table.filter(host::id.eq(which)))
            .set(host::fabric.eq(&wanted))
            .execute(&mut **tx)?;
    }
    let rows: Vec<(Id<id::GpuDevice>, PciAddress, Option<i32>)> = gpu_device::table
        .filter(gpu_device::host_id.eq(which).and(gpu_device::alive.eq(true)))
        .filter(gpu_device::parent_id.is_null())
        .select((gpu_device::id, gpu_device::carrier, gpu_device::module_id))
        .load(&mut **tx)?;
    for (device, address, module) in rows {
        let wanted = board.and_then(|board| board.modules.get(&address).copied()).map(i32::from);
        if wanted != module {
            is_changed = true;
            update(gpu_device::table.filter(gpu_device::id.eq(device)))
                .set(gpu_device::module_id.eq(wanted))
                .execute(&mut **tx)?;
        }
    }
    if is_changed { touch(tx, which) } else { Ok(()) }
}
