//! `destroyVirtualMachine`: stops the instance and gives its devices back; with `expunge` nothing of it is left.

use super::{clearing, expunge, not_here::DestroyNotHere, view::VmView};
use crate::{
    command::prelude::*,
    domain::vm::{VmEvent, VmState},
    hypervisor::Stop,
    store::{debt, gpu_claim, gpu_held, vm},
};
use serde::{Deserialize, Serialize};

/// `destroyVirtualMachine`.
#[derive(Debug)]
pub(super) struct DestroyVirtualMachine;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
    /// whether to remove the instance for good at once
    #[param(since = "4.2.1")]
    expunge: Option<bool>,
    #[param(group)]
    _not_here: DestroyNotHere,
}

/// What the job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
    /// Where it runs, keeps devices or has disks that go too.
    host: Option<Id<id::Host>>,
    expunge: bool,
}

impl AsyncCommand for DestroyVirtualMachine {
    const SPEC: Spec = Spec {
        name: "destroyVirtualMachine",
        about: "Destroys an instance and gives its devices back",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.DESTROY"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<VmView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let (id, expunge) = (request.id, request.expunge.unwrap_or(false));
        let now = vm::get(tx, id)?;
        match now.state {
            VmState::Running => drop(vm::step(tx, &now, VmEvent::Stop)?),
            VmState::Destroyed | VmState::Expunging if expunge => {}
            VmState::Error => {
                check_paid(tx, id)?;
                vm::step(tx, &now, VmEvent::Destroy)?;
            }
            _ => drop(vm::step(tx, &now, VmEvent::Destroy)?),
        }
        let kept_at = gpu_held::held_by(tx, id)?.first().map(|device| device.host);
        // a stop leaves the definition of what was made by hand
        let has_more = now.adopted || (expunge && now.pool_id.is_some());
        let disks_at = now.last_host_id.filter(|_| has_more);
        Ok(Admitted {
            plan: Plan { vm: id, host: now.host_id.or(kept_at).or(disks_at), expunge },
            subject: Some((Kind::Vm, id.uuid())),
            created: None,
            describe: Some(format!("destroying instance {}", now.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        if let Some(at) = plan.host {
            let host = clearing::host(cx, at).await?;
            host.ensure_stopped(vm.uuid(), Stop::Forced).await?;
            host.ensure_undefined(vm.uuid()).await?;
            cx.db.txn("vm destroyed", move |tx| end(tx, vm)).await?;
            clearing::prove(cx, vm, at, host.as_ref()).await?;
        }
        if plan.expunge {
            expunge::expunge(cx, vm).await?;
        }
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    /// What could not be stopped still runs with its devices; what is stopped goes on giving them back, and an expunge
    /// that was begun is finished.
    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        let (vm, Some(at)) = (plan.vm, plan.host) else { return Ok(()) };
        let still_runs = cx
            .db
            .txn("destroy failed", move |tx| match vm::find(tx, vm)? {
                Some(now) if now.state == VmState::Stopping => {
                    vm::step(tx, &now, VmEvent::StopFailed)?;
                    Ok(true)
                }
                Some(_) => gpu_claim::begin_release(tx, vm).map(|()| false),
                None => Ok(false),
            })
            .await?;
        if still_runs {
            return Ok(());
        }
        let host = clearing::host(cx, at).await?;
        host.ensure_undefined(vm.uuid()).await?;
        clearing::prove(cx, vm, at, host.as_ref()).await?;
        match cx.db.read(move |conn| vm::find(conn, vm)).await? {
            Some(now) if now.state == VmState::Expunging => expunge::expunge(cx, vm).await,
            _ => Ok(()),
        }
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        plan.host
    }
}

/// From wherever it is to `Destroyed`; its devices are on their way back.
fn end(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    // otherwise it was expunged by the server that died before it could say so
    let Some(mut now) = vm::find(tx, vm)? else { return Ok(()) };
    if now.state == VmState::Stopping {
        vm::step(tx, &now, VmEvent::Stopped)?;
        now = vm::get(tx, vm)?;
    }
    if now.state == VmState::Stopped {
        vm::step(tx, &now, VmEvent::Destroy)?;
    }
    gpu_claim::begin_release(tx, vm)
}

/// What a host still owes for an instance must be paid before the instance goes.
pub(super) fn check_paid(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    if debt::is_owed(tx, vm.uuid())? {
        return Err(Error::Unavailable(format!(
            "instance {vm} still has to be cleaned up on a host that does not answer"
        )));
    }
    Ok(())
}
