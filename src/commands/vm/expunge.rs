//! `expungeVirtualMachine`: removes a destroyed instance for good.

use super::{clearing, destroy::check_paid};
use crate::{
    command::prelude::*,
    domain::vm::{VmEvent, VmState},
    store::{annotation, detail, gpu_held, nic, tag, vm, volume},
};
use serde::{Deserialize, Serialize};

/// `expungeVirtualMachine`.
#[derive(Debug)]
pub(super) struct ExpungeVirtualMachine;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
}

/// What the job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
    /// Where its disks are.
    host: Option<Id<id::Host>>,
}

impl AsyncCommand for ExpungeVirtualMachine {
    const SPEC: Spec = Spec {
        name: "expungeVirtualMachine",
        about: "Removes a destroyed instance for good",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.EXPUNGE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let id = request.id;
        let now = vm::get(tx, id)?;
        if !matches!(now.state, VmState::Destroyed | VmState::Error | VmState::Expunging) {
            return Err(Error::Invalid(format!(
                "Please destroy vm with specified vmId before expunge: instance {id} is {}",
                now.state
            )));
        }
        check_paid(tx, id)?;
        check_released(tx, id)?;
        vm::step(tx, &now, VmEvent::Expunge)?;
        Ok(Admitted {
            plan: Plan { vm: id, host: now.last_host_id },
            subject: Some((Kind::Vm, id.uuid())),
            created: None,
            describe: Some(format!("expunging instance {}", now.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Success> {
        expunge(cx, plan.vm).await?;
        Ok(Success::YES)
    }

    /// What was begun is finished.
    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        expunge(cx, plan.vm).await
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        plan.host
    }
}

fn check_released(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    match gpu_held::held_by(tx, vm)?.first() {
        None => Ok(()),
        Some(device) => Err(Error::InUse(format!(
            "instance {vm} is still giving GPU device {} back",
            device.device
        ))),
    }
}

/// Removes the disks, then the rows; what is gone already is left alone.
pub(super) async fn expunge(cx: &Cx, vm: Id<id::Vm>) -> Result<()> {
    let Some(now) = cx.db.read(move |conn| vm::find(conn, vm)).await? else { return Ok(()) };
    if now.state != VmState::Expunging {
        cx.db
            .txn("vm expunges", move |tx| {
                check_released(tx, vm)?;
                vm::advance(tx, vm, VmEvent::Expunge)
            })
            .await?;
    }
    if let (Some(at), Some(_)) = (now.host_id.or(now.last_host_id), now.pool_id) {
        let host = clearing::host(cx, at).await?;
        host.ensure_undefined(vm.uuid()).await?;
        clearing::remove_disks(cx, vm, host.as_ref()).await?;
    }
    cx.db
        .txn("vm expunged", move |tx| {
            nic::free(tx, vm)?;
            volume::remove_of(tx, vm)?;
            detail::clear(tx, vm)?;
            vm::remove(tx, vm)?;
            annotation::clear(tx, vm)?;
            tag::clear(tx, vm)
        })
        .await
}
