//! `rebootVirtualMachine`: the guest starts anew; no device, disk or address changes.

use super::{clearing, view::VmView};
use crate::{command::prelude::*, domain::vm::VmState, store::vm};
use serde::{Deserialize, Serialize};

/// `rebootVirtualMachine`.
#[derive(Debug)]
pub(super) struct RebootVirtualMachine;

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
    host: Id<id::Host>,
}

impl AsyncCommand for RebootVirtualMachine {
    const SPEC: Spec = Spec {
        name: "rebootVirtualMachine",
        about: "Reboots an instance that runs",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.REBOOT"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<VmView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let id = request.id;
        let now = vm::get(tx, id)?;
        let running = now.host_id.filter(|_| now.state == VmState::Running);
        let host = running.ok_or_else(|| {
            Error::Conflict(format!("instance {id} cannot be rebooted while it is {}", now.state))
        })?;
        Ok(Admitted {
            plan: Plan { vm: id, host },
            subject: Some((Kind::Vm, id.uuid())),
            created: None,
            describe: Some(format!("rebooting instance {}", now.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        clearing::host(cx, plan.host).await?.reboot(vm.uuid()).await?;
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    /// A reboot leaves nothing behind.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        Some(plan.host)
    }
}
