//! Starting an instance that was made by hand and adopted: from its own definition, on its own host.
//!
//! The books cannot make that definition, so it is not written; they can say which GPUs it may use. What it names is
//! reserved exactly like that when a stop gave it back, and the domain is started only while its definition names what
//! the instance holds.

use super::{clearing, draft::Order};
use crate::{
    command::prelude::*,
    domain::{
        placement::Exact,
        vm::{VmEvent, VmState},
    },
    store::{
        adoption, gpu_claim,
        gpu_held::{self, HeldDevice},
        vm::{self, Vm},
    },
};
use std::collections::BTreeSet;

/// Places it where it was, with the devices that it had.
pub(super) fn bind(
    tx: &mut Tx<'_>,
    now: &Vm,
    held: &[HeldDevice],
    order: &mut Order,
) -> Result<()> {
    let id = now.id;
    let at = now.last_host_id.ok_or_else(|| {
        Error::Conflict(format!("instance {id} was made by hand, and nobody knows on which host"))
    })?;
    if let Some(wanted) = order.demand.host.filter(|wanted| *wanted != at) {
        return Err(Error::Invalid(format!(
            "instance {id} was made by hand on host {at} and can start there only, not on {wanted}"
        )));
    }
    let demand = &mut order.demand;
    (demand.host, demand.needs.disk) = (Some(at), None);
    demand.alternatives.clear();
    if held.is_empty() {
        let last = gpu_held::last_held(tx, id)?;
        demand.exact = last.into_iter().map(Exact::Device).collect();
    }
    Ok(())
}

/// Starts its domain, and says so in the books. Error: conflict, when its definition is gone or names other devices.
pub(super) async fn start(cx: &Cx, vm: Id<id::Vm>, at: Id<id::Host>) -> Result<()> {
    let host = clearing::host(cx, at).await?;
    let domains = host.domains().await?;
    let Some(domain) = domains.into_iter().find(|domain| domain.uuid == vm.uuid()) else {
        return Err(Error::Conflict(format!(
            "instance {vm} was made by hand and its definition is not on its host any more: define it there again"
        )));
    };
    let name = domain.name.clone();
    let (named, held) = cx
        .db
        .read(move |conn| {
            Ok((adoption::named_by(conn, at, &domain)?, gpu_held::held_by(conn, vm)?))
        })
        .await?;
    let is_named: BTreeSet<_> = named.iter().map(|device| device.id).collect();
    let is_held: BTreeSet<_> = held.iter().map(|device| device.device).collect();
    if is_named != is_held {
        let all: Vec<&str> = named.iter().map(|device| device.address.as_str()).collect();
        let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        return Err(Error::Conflict(format!(
            "the definition of domain {name} names other GPU devices ({all}) than instance {vm} held when it was stopped"
        )));
    }
    host.ensure_running(vm.uuid()).await?;
    cx.db
        .txn("adopted vm started", move |tx| {
            let now = vm::get(tx, vm)?;
            if now.state != VmState::Running {
                vm::step(tx, &now, VmEvent::Started)?;
            }
            gpu_claim::confirm(tx, vm)
        })
        .await
}
