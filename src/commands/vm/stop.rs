//! `stopVirtualMachine`: asks the guest, then insists. The devices stay with the instance, unless the setting says
//! otherwise. An instance that is stopped and was left in the middle of giving its devices back goes on with it; one that the
//! service itself found stopped is cleaned up where it ran.

use super::{clearing, view::VmView};
use crate::{
    command::prelude::*,
    domain::{
        gpu::AllocationState,
        vm::{VmEvent, VmState},
    },
    hypervisor::Stop,
    store::{gpu_claim, gpu_held, owner::Owner, seed, setting, vm},
};
use serde::{Deserialize, Serialize};

/// `stopVirtualMachine`.
#[derive(Debug)]
pub(super) struct StopVirtualMachine;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
    /// whether to stop at once, without asking the guest
    forced: Option<bool>,
}

/// What the job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
    /// Where it runs, or gives devices back; none when there is nothing to do.
    host: Option<Id<id::Host>>,
    forced: bool,
    gives_back: bool,
}

/// Whether the instance gives its devices back, as its owner's settings say.
fn gives_back_now(env: &Env, tx: &mut Tx<'_>, now: &vm::Vm) -> Result<bool> {
    let owner = Owner { account: now.account_id, domain: now.domain_id };
    setting::detach_on_stop(tx, owner, env.settings.detach_on_stop)
}

impl AsyncCommand for StopVirtualMachine {
    const SPEC: Spec = Spec {
        name: "stopVirtualMachine",
        about: "Stops an instance",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.STOP"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<VmView>;

    fn admit(
        env: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let id = request.id;
        let now = vm::get(tx, id)?;
        let runs = now.state != VmState::Stopped;
        let is_ours = caller.user == seed::SYSTEM_USER;
        if runs && is_ours {
            return Err(Error::Conflict(format!("instance {id} is {}", now.state)));
        }
        let host = if runs {
            vm::step(tx, &now, VmEvent::Stop)?;
            now.host_id
        } else {
            let held = gpu_held::held_by(tx, id)?.into_iter();
            let mut due = held.filter(|device| device.state == AllocationState::Releasing);
            let left_at = now.last_host_id.filter(|_| is_ours);
            due.next().map(|device| device.host).or(left_at)
        };
        let gives_back = runs && gives_back_now(env, tx, &now)?;
        let plan = Plan { vm: id, host, forced: request.forced.unwrap_or(false), gives_back };
        Ok(Admitted {
            plan,
            subject: Some((Kind::Vm, id.uuid())),
            created: None,
            describe: Some(match runs {
                true => format!("stopping instance {}", now.name),
                false => format!("instance {} is stopped already", now.name),
            }),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        if let Some(at) = plan.host {
            let host = clearing::host(cx, at).await?;
            let seconds = cx.settings.stop_seconds;
            let how = if plan.forced { Stop::Forced } else { Stop::Graceful { seconds } };
            host.ensure_stopped(vm.uuid(), how).await?;
            if !cx.db.read(move |conn| vm::is_adopted(conn, vm)).await? {
                host.ensure_undefined(vm.uuid()).await?;
            }
            let gives_back = plan.gives_back;
            cx.db
                .txn("vm stopped", move |tx| {
                    let now = vm::get(tx, vm)?;
                    if now.state == VmState::Stopping {
                        vm::step(tx, &now, VmEvent::Stopped)?;
                    }
                    if gives_back { gpu_claim::begin_release(tx, vm) } else { Ok(()) }
                })
                .await?;
            clearing::prove(cx, vm, at, host.as_ref()).await?;
        }
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    /// What could not be stopped still runs; what is stopped already goes on giving its devices back; what was expunged
    /// meanwhile has nothing left.
    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        let (vm, Some(at)) = (plan.vm, plan.host) else { return Ok(()) };
        let is_settled = cx
            .db
            .txn("stop failed", move |tx| match vm::find(tx, vm)? {
                Some(now) if now.state == VmState::Stopping => {
                    vm::step(tx, &now, VmEvent::StopFailed)?;
                    Ok(true)
                }
                found => Ok(found.is_none()),
            })
            .await?;
        if is_settled {
            return Ok(());
        }
        let host = clearing::host(cx, at).await?;
        clearing::prove(cx, vm, at, host.as_ref()).await
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        plan.host
    }
}
