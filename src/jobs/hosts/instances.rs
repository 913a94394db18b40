//! What runs on a host beside what should run there.
//!
//! The books are read first, then the host: an instance that the books call running was running when they were written,
//! so a domain that is missing after that is missing. Whoever moved the instance in between wins.

use super::{Round, Shared};
use crate::{
    command::{Args, Call, Cx, host_link::HostDriver},
    domain::{
        Id, Kind, id,
        machine::SeenDomain,
        vm::{VmEvent, VmState},
    },
    error::{Error, Result},
    store::{Conn, Tx, event, gpu_claim, gpu_held, seed, setting, user, vm},
};
use std::sync::Arc;
use uuid::Uuid;

/// Moves instances to what the host shows.
pub(super) async fn compare(shared: &Shared, round: &Round, driver: &dyn HostDriver) -> Result<()> {
    let domains = driver.domains().await?;
    let runs = |id: Uuid| domains.iter().any(|domain| domain.uuid == id && domain.active);
    for one in round.placed.iter().filter(|one| one.state == VmState::Running) {
        if !runs(one.id.uuid()) {
            let (said, owner) = (shared.wiring.settings.detach_on_stop, one.owner);
            let read = move |conn: &mut Conn| setting::detach_on_stop(conn, owner, said);
            let gives_back = shared.wiring.db.read(read).await?;
            if stopped(shared, round, one, gives_back).await? {
                // a job, so that nobody starts it while what is left of it is removed; whoever was faster has removed it
                let left = admit(shared, "stopVirtualMachine", one.id, seed::SYSTEM_USER).await;
                if let Err(error) = left {
                    tracing::warn!(instance = %one.id, %error, "could not clean up after it");
                }
            }
        }
    }
    strangers(shared, round, driver, &domains).await
}

/// An instance is not there any more: it is Stopped, and its devices follow the rule of a stop. False: somebody moved it.
async fn stopped(
    shared: &Shared,
    round: &Round,
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
    }
    Ok(moved)
}

/// Instances that gave their devices back and were left in the middle of it, by a server that died or a host that did
/// not answer: a job goes on with it. It is a job like any other, so nobody else works on the instance meanwhile, and
/// what it cannot do is the host's debt.
pub(super) async fn give_back(shared: &Shared, at: Id<id::Host>) -> Result<()> {
    let left = shared.wiring.db.read(move |conn| gpu_held::left_releasing(conn, at)).await?;
    for vm in left {
        tracing::warn!(instance = %vm, "goes on giving its devices back");
        admit(shared, "stopVirtualMachine", vm, seed::SYSTEM_USER).await?;
    }
    Ok(())
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
        if runs(one.id.uuid()) || !stopped(shared, round, one, false).await? {
            continue;
        }
        if let Err(error) = admit(shared, "startVirtualMachine", one.id, one.user).await {
            tracing::warn!(instance = %one.id, %error, "could not start an instance again");
        }
    }
    Ok(())
}

/// Admits the job of a command about an instance, in the name of this user.
async fn admit(shared: &Shared, command: &str, vm: Id<id::Vm>, who: Id<id::User>) -> Result<()> {
    let wiring = &shared.wiring;
    let entry = wiring.registry.find(command);
    let Some((entry, Call::Async(ops))) = entry.map(|entry| (entry, entry.call)) else {
        return Err(Error::internal(format!("there is no job {command}")));
    };
    let caller = wiring.db.read(move |conn| user::caller_of(conn, who)).await?;
    let caller = caller.ok_or_else(|| Error::internal("the instance's user is gone"))?;
    let mut args = Args::default();
    args.set("id", &vm.to_string());
    let cx = Cx::new(Arc::clone(wiring), Arc::new(caller), &entry.spec);
    (ops.admit)(cx, args).await.map(drop)
}
