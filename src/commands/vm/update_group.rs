//! `updateVMAffinityGroup`: puts a stopped instance into other affinity groups, which its next start obeys.

use super::{grouping, view::VmView};
use crate::{
    command::prelude::*,
    domain::vm::VmState,
    store::{affinity_group, vm},
};
use serde::{Deserialize, Serialize};

/// `updateVMAffinityGroup`.
#[derive(Debug)]
pub(super) struct UpdateVmAffinityGroup;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
    /// the IDs of all its affinity groups, joined by commas; it leaves the others
    #[param(name = "affinitygroupids")]
    affinity_group_ids: Vec<Id<id::AffinityGroup>>,
    /// the names of all its affinity groups, instead of their IDs
    #[param(name = "affinitygroupnames")]
    affinity_group_names: Vec<String>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    vm: Id<id::Vm>,
}

impl AsyncCommand for UpdateVmAffinityGroup {
    const SPEC: Spec = Spec {
        name: "updateVMAffinityGroup",
        about: "Changes the affinity groups of a stopped instance",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: Some("VM.AG.UPDATE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<VmView>;

    /// All of it happens here; the job only tells.
    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let Request { id, affinity_group_ids, affinity_group_names } = request;
        let now = vm::get(tx, *id)?;
        if now.state != VmState::Stopped {
            return Err(Error::Invalid(format!(
                "Unable update affinity groups of the virtual machine {} in state {}; make sure the virtual machine is stopped and not in an error state before updating.",
                now.id, now.state
            )));
        }
        let asked = (&affinity_group_ids[..], &affinity_group_names[..]);
        let groups = grouping::asked(tx, now.account_id, asked)?;
        // a start that is admitted at the same time has read the groups as they were
        vm::touch(tx, &now)?;
        affinity_group::set(tx, now.id, &groups)?;
        Ok(Admitted {
            plan: Plan { vm: now.id },
            subject: Some((Kind::Vm, now.id.uuid())),
            created: None,
            describe: None,
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<VmView>> {
        let vm = plan.vm;
        Ok(One(cx.db.read(move |conn| vm::one(conn, vm)).await?.into()))
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
