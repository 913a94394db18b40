//! What runs on a host beside what should run there.
//!
//! The books are read first, then the host: an instance that the books call running was running when they were written,
//! so a domain that is missing after that is missing. Whoever moved the instance in between wins.

use super::{Round, Shared};
use crate::{
    command::{
        Args, Call, Cx,
        host_link::{ExpectedDevice, HostDriver},
    },
    domain::{
        Id, Kind,
        gpu::AllocationState,
        id,
        machine::SeenDomain,
        vm::{VmEvent, VmState},
    },
    error::{Error, Result},
    store::{Tx, event, gpu_claim, gpu_held, seed, user, vm},
};
use std::sync::Arc;
use uuid::Uuid;

/// Moves instances to what the host shows.
pub(super) async fn compare(shared: &Shared, round: &Round, driver: &dyn HostDriver) -> Result<()> {
    let domains = driver.domains().await?;
    let runs = |id: Uuid| domains.iter().any(|domain| domain.uuid == id && domain.active);
    for one in round.placed.iter().filter(|one| one.state == VmState::Running) {
        if !runs(one.id.uuid()) {
            stopped(shared, round, driver, one, shared.wiring.settings.detach_on_stop).await?;
        }
    }
    strangers(shared, round, driver, &domains).await
}

/// An instance is not there any more: it is Stopped, and its devices follow the rule of a stop.
async fn stopped(
    shared: &Shared,
    round: &Round,
    driver: &dyn HostDriver,
    one: &vm::Placed,
    gives_back: bool,
) -> Result<bool> {
    let (seen, at) = (one.clone(), round.host.id);
    let text = format!("instance {} was found stopped on host {}", one.name, round.host.name);
    let moved = shared
        .wiring
        .db
        .txn("found stopped", move |tx| {
            if !vm::found(tx, &seen, at, VmEvent::FoundStopped)? {
                return Ok(false);
            }
            record(tx, "VM.STOP", &text, seen.id)?;
            if gives_back {
                gpu_claim::begin_release(tx, seen.id)?;
            }
            Ok(true)
        })
        .await?;
    if moved {
        tracing::warn!(instance = %one.id, host = round.host.name, "found stopped");
        driver.ensure_undefined(one.id.uuid()).await?;
        prove(shared, one.id, at, driver).await?;
    }
    Ok(moved)
}

/// An event of the service itself.
fn record(tx: &mut Tx<'_>, kind: &str, text: &str, subject: Id<id::Vm>) -> Result<()> {
    match user::caller_of(tx, seed::SYSTEM_USER)? {
        Some(caller) => {
            let what = Some((Kind::Vm, subject.uuid()));
            let new = event::New { level: "WARN", ..event::New::done(kind, text, what) };
            event::record(tx, &caller, &new)
        }
        None => Ok(()),
    }
}

/// Domains that run here and should not: an instance of ours that is stopped by the books is Running.
async fn strangers(
    shared: &Shared,
    round: &Round,
    driver: &dyn HostDriver,
    domains: &[SeenDomain],
) -> Result<()> {
    let known = |id: Uuid| round.placed.iter().any(|one| one.id.uuid() == id);
    let unknown = domains.iter().filter(|domain| domain.active && !known(domain.uuid));
    let ids: Vec<Id<id::Vm>> = unknown.map(|domain| Id::from_uuid(domain.uuid)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows = shared.wiring.db.read(move |conn| vm::of(conn, &ids)).await?;
    let stopped: Vec<vm::Placed> =
        rows.into_iter().filter(|one| one.state == VmState::Stopped).collect();
    if stopped.is_empty() {
        return Ok(());
    }
    let domains = driver.domains().await?; // after the books, as always
    let at = round.host.id;
    for one in stopped {
        let runs = domains.iter().any(|domain| domain.uuid == one.id.uuid() && domain.active);
        if !runs {
            continue;
        }
        let text = format!("instance {} was found running on host {}", one.name, round.host.name);
        let found = move |tx: &mut Tx<'_>| {
            let moved = vm::found(tx, &one, at, VmEvent::FoundRunning)?;
            if moved { record(tx, "VM.START", &text, one.id) } else { Ok(()) }
        };
        shared.wiring.db.txn("found running", found).await?;
    }
    Ok(())
}

/// Proves every device that the instance gives back on this host, and ends its allocations.
async fn prove(
    shared: &Shared,
    vm: Id<id::Vm>,
    at: Id<id::Host>,
    driver: &dyn HostDriver,
) -> Result<()> {
    let held = shared.wiring.db.read(move |conn| gpu_held::held_by(conn, vm)).await?;
    let mut outcomes = Vec::new();
    for device in held {
        if device.state != AllocationState::Releasing || device.host != at {
            continue;
        }
        let (vendor_id, device_id) = (device.vendor_id, device.device_id);
        let expected = ExpectedDevice { vendor_id, device_id, driver: device.driver };
        outcomes.push((device.device, driver.prove_clean(&device.reference, &expected).await?));
    }
    if outcomes.is_empty() {
        return Ok(());
    }
    let finish = move |tx: &mut Tx<'_>| gpu_claim::finish_release(tx, vm, &outcomes);
    shared.wiring.db.txn("devices released", finish).await
}

/// The instances of a simulated host died with the last process: those that ran are started again, on the devices they
/// hold, in the name of those who made them.
pub(super) async fn start_again(
    shared: &Shared,
    round: &Round,
    driver: &dyn HostDriver,
) -> Result<()> {
    let domains = driver.domains().await?;
    let runs = |id: Uuid| domains.iter().any(|domain| domain.uuid == id && domain.active);
    for one in round.placed.iter().filter(|one| one.state == VmState::Running) {
        if runs(one.id.uuid()) || !stopped(shared, round, driver, one, false).await? {
            continue;
        }
        if let Err(error) = start(shared, one).await {
            tracing::warn!(instance = %one.id, %error, "could not start an instance again");
        }
    }
    Ok(())
}

async fn start(shared: &Shared, one: &vm::Placed) -> Result<()> {
    let wiring = &shared.wiring;
    let entry = wiring.registry.find("startVirtualMachine");
    let Some((entry, Call::Async(ops))) = entry.map(|entry| (entry, entry.call)) else {
        return Err(Error::internal("instances cannot be started"));
    };
    let user = one.user;
    let caller = wiring.db.read(move |conn| user::caller_of(conn, user)).await?;
    let caller = caller.ok_or_else(|| Error::internal("the instance's user is gone"))?;
    let mut args = Args::default();
    args.set("id", &one.id.to_string());
    let cx = Cx::new(Arc::clone(wiring), Arc::new(caller), &entry.spec);
    (ops.admit)(cx, args).await.map(drop)
}
