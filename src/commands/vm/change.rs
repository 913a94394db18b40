//! `changeServiceForVirtualMachine`: another offering for an instance that is stopped.

use super::{
    resizing::{self, Wanted},
    view::VmView,
};
use crate::{command::prelude::*, store::vm};

/// `changeServiceForVirtualMachine`.
#[derive(Debug)]
pub(super) struct ChangeServiceForVirtualMachine;

/// Its parameters.
#[derive(Debug, Clone, Params)]
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
}

impl Command for ChangeServiceForVirtualMachine {
    const SPEC: Spec = Spec {
        name: "changeServiceForVirtualMachine",
        about: "Changes the service offering of a stopped instance; its next start reserves what that asks",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.UPGRADE"),
    };
    type Request = Request;
    type Response = One<VmView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, service_offering_id, gpu_offering_id, gpu_count, details } = request;
        let wanted = Wanted {
            vm: id,
            offering: service_offering_id,
            gpu_offering: gpu_offering_id,
            gpu_count,
            details,
        };
        let at = cx
            .write(move |tx, caller| {
                let at = resizing::resize(tx, caller, &wanted)?;
                Ok((Some((Kind::Vm, id.uuid())), at))
            })
            .await?;
        if let Err(error) = resizing::prove(cx, id, at).await {
            tracing::warn!(instance = %id, %error, "devices are still to be given back");
            cx.nudge.reconcile(); // the keeper of hosts goes on with it
        }
        Ok(One(cx.db.read(move |conn| vm::one(conn, id)).await?.into()))
    }
}
