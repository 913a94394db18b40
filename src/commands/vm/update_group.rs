//! `updateVMAffinityGroup`: puts a stopped instance into other affinity groups, which its next start obeys.

use super::{grouping, view::VmView};
use crate::{
    command::prelude::*,
    domain::vm::VmState,
    store::{affinity_group, vm},
};

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

impl ImmediateCommand for UpdateVmAffinityGroup {
    const SPEC: Spec = Spec {
        name: "updateVMAffinityGroup",
        about: "Changes the affinity groups of a stopped instance",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: Some("VM.AG.UPDATE"),
    };
    type Request = Request;
    type Subject = id::Vm;
    type Response = One<VmView>;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::Vm>> {
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
        Ok(Changed::known(now.id))
    }

    async fn tell(cx: &Cx, id: Id<id::Vm>) -> Result<One<VmView>> {
        Ok(One(cx.db.read(move |conn| vm::one(conn, id)).await?.into()))
    }
}
