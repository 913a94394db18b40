//! Giving back what an instance has on a host: the domain first, then each device by proof, then the disks.
//!
//! Nothing here is assumed to be there; everything may be repeated, also days later when a host that was away has come
//! back. Until a device is proven clean it stays `Releasing`, which nobody is given.

use super::building::open;
use crate::{
    command::{
        prelude::*,
        proof::{self, Subject},
    },
    domain::{
        gpu::AllocationState,
        machine::{VolumeRef, names},
        vm::{VmEvent, VmState},
    },
    hypervisor::{ExpectedDevice, HostDriver, Stop},
    store::{gpu_claim, gpu_held, vm, volume},
};
use std::sync::Arc;

/// A host by its id, open.
pub(super) async fn host(cx: &Cx, id: Id<id::Host>) -> Result<Arc<dyn HostDriver>> {
    let address = cx.db.read(move |conn| vm::address(conn, id)).await?;
    open(cx, &address)
}

/// Puts back a start: the instance is where it was before, or in `Error` when it never ran. The books say so first, then
/// the host is told: a host that is away owes the rest.
pub(super) async fn undo_start(
    cx: &Cx,
    vm: Id<id::Vm>,
    at: Id<id::Host>,
    event: VmEvent,
) -> Result<()> {
    undo(cx, vm, at, event, Before::default()).await
}

/// What an instance had before a start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// Devices that a stop had left it.
    pub(super) had_devices: bool,
    /// Disks on the host.
    pub(super) had_disks: bool,
    /// A definition that is not ours.
    pub(super) is_adopted: bool,
}

/// Puts back a start to what was before.
pub(super) async fn undo(
    cx: &Cx,
    vm: Id<id::Vm>,
    at: Id<id::Host>,
    event: VmEvent,
    before: Before,
) -> Result<()> {
    let is_there = cx
        .db
        .txn("start failed", move |tx| {
            let Some(now) = vm::find(tx, vm)? else { return Ok(false) };
            match now.state {
                VmState::Starting => drop(vm::step(tx, &now, event)?),
                // the host was seen to run it before the books were told
                VmState::Running => {
                    vm::step(tx, &now, VmEvent::Stop)?;
                    vm::advance(tx, vm, VmEvent::Stopped)?;
                }
                _ => {}
            }
            if !before.had_devices {
                gpu_claim::begin_release(tx, vm)?;
            }
            Ok(true)
        })
        .await?;
    if !is_there {
        return Ok(()); // it was expunged before the host could pay
    }
    let host = host(cx, at).await?;
    match before.is_adopted {
        true => host.ensure_stopped(vm.uuid(), Stop::Forced).await?,
        false => host.ensure_undefined(vm.uuid()).await?,
    }
    if !before.had_disks {
        remove_disks(cx, vm, host.as_ref()).await?;
    }
    prove(cx, vm, at, host.as_ref()).await
}

/// Proves every device that the instance is giving back on this host, and ends its allocations.
pub(super) async fn prove(
    cx: &Cx,
    vm: Id<id::Vm>,
    at: Id<id::Host>,
    host: &dyn HostDriver,
) -> Result<()> {
    let held = cx.db.read(move |conn| gpu_held::held_by(conn, vm)).await?;
    let mut outcomes = Vec::new();
    let is_due =
        |held: &&gpu_held::HeldDevice| held.state == AllocationState::Releasing && held.host == at;
    for device in held.iter().filter(is_due) {
        let expected = ExpectedDevice {
            vendor_id: device.vendor_id,
            device_id: device.device_id,
            driver: device.driver.clone(),
        };
        let (reference, vm) = (&device.reference, Some(vm));
        let subject = Subject { host: at, reference, expected: &expected, vm };
        outcomes.push((device.device, proof::prove(cx.wiring(), host, subject).await?));
    }
    if outcomes.is_empty() {
        return Ok(());
    }
    cx.db.txn("devices released", move |tx| gpu_claim::finish_release(tx, vm, &outcomes)).await
}

/// Removes the instance's disks and its seed from the host; the books keep the rows until they are told otherwise.
pub(super) async fn remove_disks(cx: &Cx, vm: Id<id::Vm>, host: &dyn HostDriver) -> Result<()> {
    let (row, disks) =
        cx.db.read(move |conn| Ok((vm::get(conn, vm)?, volume::of_vm(conn, vm)?))).await?;
    let Some(pool) = row.pool_id else { return Ok(()) };
    let names = disks.into_iter().map(|disk| disk.path).chain([names::seed(vm)]);
    for volume in names {
        host.ensure_no_volume(&VolumeRef { pool: names::pool(pool), volume }).await?;
    }
    cx.db
        .txn("disks removed", move |tx| {
            volume::place(tx, vm, None, "Allocated")?;
            vm::unplace(tx, vm)
        })
        .await
}
