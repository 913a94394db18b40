//! `scaleVirtualMachine`: the other name of a change of offering, as a job. An instance that runs is not scaled.

use super::{
    resizing::{self, Wanted},
    view::VmView,
};
use crate::{command::prelude::*, domain::vm::VmState, store::vm};
use serde::{Deserialize, Serialize};

/// `scaleVirtualMachine`.
#[derive(Debug)]
pub(super) struct ScaleVirtualMachine;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
    /// the ID of the new service offering
    service_offering_id: Id<id::ServiceOffering>,
    /// the ID of the new GPU offering; the service offering's own when not given, else the one the instance was made with
    gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// the number of GPUs, within what the service offering allows; 0: none any more
    gpu_count: Option<i32>,
    /// cpuNumber, cpuSpeed and memory of an instance of a customized offering
    details: BTreeMap<String, String>,
    /// whether disks may move for the new offering; they never need to
    #[param(name = "automigrate", since = "4.17")]
    auto_migrate: Option<bool>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
    /// Where devices are given back.
    host: Option<Id<id::Host>>,
}

impl AsyncCommand for ScaleVirtualMachine {
    const SPEC: Spec = Spec {
        name: "scaleVirtualMachine",
        about: "Changes the service offering of a stopped instance, as a job; one that runs has to be stopped first",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: Some("VM.UPGRADE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<VmView>;

    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let Request {
            id,
            service_offering_id,
            gpu_offering_id,
            gpu_count,
            details,
            auto_migrate: _any,
        } = request;
        let now = vm::get(tx, *id)?;
        if now.state == VmState::Running {
            return Err(Error::Invalid(format!(
                "Unable to scale virtual machine {id} while it is Running: CPUs, memory and GPUs are changed while it is stopped. Stop it, change its offering, start it."
            )));
        }
        let wanted = Wanted {
            vm: *id,
            offering: *service_offering_id,
            gpu_offering: *gpu_offering_id,
            gpu_count: *gpu_count,
            details: details.clone(),
        };
        let host = resizing::resize(tx, caller, &wanted)?;
        Ok(Admitted {
            plan: Plan { vm: *id, host },
            subject: Some((Kind::Vm, id.uuid())),
            created: None,
            describe: Some(format!("changing the offering of instance {}", now.name)),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        let told = |error: Error| {
            Error::Unavailable(format!(
                "instance {vm} has its new offering, but is still giving GPUs back: {error}"
            ))
        };
        resizing::prove(cx, vm, plan.host).await.map_err(told)?;
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    /// The offering is changed; what is being given back cannot be taken back.
    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        resizing::prove(cx, plan.vm, plan.host).await
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        plan.host
    }
}
