//! Instances: rows, their state, and what changes in them.
//!
//! `state` is written by [`insert`] and [`advance`] alone: a change asks the table of states first and is conditional
//! on what was read, so of two requests that meet one is told what the other did.

mod blueprint;
mod change;
mod decision;
mod keep;
mod list;
mod whole;

pub use blueprint::{
    Address, Blueprint, Image, Plug, Pool, account_number, address, blueprint, leases,
};
pub use change::{
    Asks, Change, Resize, asks, change, place, resize, set_user_data, touch, unplace, user_data,
};
pub use decision::{Decided, decisions, decisions_before, hosts_named};
pub use keep::{Placed, found, is_adopted, of, placed, set_adopted};
pub use list::{Filter, how_many, list};
pub use whole::{GpuFacts, Listed, NicFacts, Wanted, one, whole};

use super::{
    Conn, Tx, affinity_group, clock, host, limit,
    owner::Owner,
    prepared::kept,
    schema::vm,
    usage::{self, Usage},
};
use crate::{
    domain::{
        Id, id,
        vm::{VmEvent, VmState},
    },
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, Insertable, NullableExpressionMethods, OptionalExtension, QueryDsl,
    Queryable, RunQueryDsl, Selectable, SelectableHelper, insert_into, update,
};

/// An instance.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = vm)]
pub struct Vm {
    /// Its id, which is its domain's UUID.
    pub id: Id<id::Vm>,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// The zone.
    pub zone_id: Id<id::Zone>,
    /// The host it is on or is starting on; none when it does not run.
    pub host_id: Option<Id<id::Host>>,
    /// The host it was on last.
    pub last_host_id: Option<Id<id::Host>>,
    /// Where its root disk lies; none until it is placed for the first time.
    pub pool_id: Option<Id<id::StoragePool>>,
    /// What it was made of.
    pub template_id: Id<id::Template>,
    /// Its service offering.
    pub offering_id: Id<id::ServiceOffering>,
    /// Its GPU offering.
    pub gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// Its host name.
    pub name: String,
    /// Its name on the host.
    pub instance_name: String,
    /// Its state.
    pub state: VmState,
    /// One more with every change of state.
    pub generation: i64,
    /// Virtual CPUs.
    pub cpu_number: i32,
    /// CPU speed in MHz.
    pub cpu_speed: i32,
    /// Memory in MiB.
    pub memory_mib: i32,
    /// What it asks of GPUs, as JSON.
    pub demand: Option<String>,
    /// Whether the first GPU shows a display.
    pub gpu_display: bool,
    /// The kind of host it needs.
    pub hypervisor: String,
    /// Whether it was made by hand and taken into the books.
    pub adopted: bool,
    /// The tags with limits that it counts for.
    pub limit_tags: Option<String>,
}

/// An instance to be. What is none is said so: a statement that leaves out what is none is prepared anew each time.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = vm, treat_none_as_default_value = false)]
pub struct New {
    /// Its id.
    pub id: Id<id::Vm>,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// Who made it.
    pub user_id: Id<id::User>,
    /// The zone.
    pub zone_id: Id<id::Zone>,
    /// The host it starts on.
    pub host_id: Option<Id<id::Host>>,
    /// Where its root disk will lie.
    pub pool_id: Option<Id<id::StoragePool>>,
    /// What it is made of.
    pub template_id: Id<id::Template>,
    /// Its service offering.
    pub offering_id: Id<id::ServiceOffering>,
    /// Its GPU offering.
    pub gpu_offering_id: Option<Id<id::GpuOffering>>,
    /// Its host name.
    pub name: String,
    /// The name its owner sees.
    pub display_name: String,
    /// Its name on the host.
    pub instance_name: String,
    /// `Starting`, or `Stopped` when it is not to be started.
    pub state: VmState,
    /// Virtual CPUs.
    pub cpu_number: i32,
    /// CPU speed in MHz.
    pub cpu_speed: i32,
    /// Memory in MiB.
    pub memory_mib: i32,
    /// What it asks of GPUs, as JSON.
    pub demand: Option<String>,
    /// Whether the first GPU shows a display.
    pub gpu_display: bool,
    /// Base64, as it came.
    pub user_data: Option<String>,
    /// Names of key pairs, joined by commas.
    pub key_pairs: Option<String>,
    /// The kind of host it needs.
    pub hypervisor: String,
    /// Whether its owner sees it.
    pub is_displayed: bool,
    /// Why it is where it is, as JSON.
    pub decision: Option<String>,
    /// The tags with limits that it counts for.
    pub limit_tags: Option<String>,
}

/// Inserts an instance; whoever makes it charges its owner.
pub fn insert(tx: &mut Tx<'_>, new: &New) -> Result<()> {
    let decided = vm::decided.eq(clock().nullable());
    match new.decision {
        Some(_) => insert_into(vm::table).values((new, decided)).execute(&mut **tx)?,
        None => insert_into(vm::table).values(new).execute(&mut **tx)?,
    };
    Ok(())
}

/// An instance that is not removed.
pub fn get(conn: &mut Conn, id: Id<id::Vm>) -> Result<Vm> {
    let gone = || Error::NotFound { what: "virtual machine", id: id.to_string() };
    find(conn, id)?.ok_or_else(gone)
}

/// One instance, unless it was removed: for a job that goes on after that.
pub fn find(conn: &mut Conn, id: Id<id::Vm>) -> Result<Option<Vm>> {
    let row = vm::table
        .filter(vm::id.eq(id))
        .filter(vm::removed.is_null())
        .select(Vm::as_select())
        .first(conn);
    Ok(row.optional()?)
}

/// Moves the instance, or says why it cannot be moved. Error: lost race, when somebody else moved it since it was read.
pub fn advance(tx: &mut Tx<'_>, id: Id<id::Vm>, event: VmEvent) -> Result<VmState> {
    let vm = get(tx, id)?;
    step(tx, &vm, event)
}

/// Moves an instance that this transaction has read.
pub fn step(tx: &mut Tx<'_>, vm: &Vm, event: VmEvent) -> Result<VmState> {
    let Some(next) = vm.state.next(event) else {
        return Err(Error::Conflict(format!(
            "instance {} cannot {} while it is {}",
            vm.id,
            event.verb(),
            vm.state
        )));
    };
    let seen = vm::table
        .filter(vm::id.eq(vm.id))
        .filter(vm::state.eq(vm.state))
        .filter(vm::generation.eq(vm.generation))
        .filter(vm::removed.is_null());
    let moved =
        (vm::state.eq(next), vm::generation.eq(vm::generation + 1), vm::updated.eq(clock()));
    let rows = if VmState::HOLDS_HOST.contains(&next) {
        kept(update(seen).set(moved)).execute(&mut **tx)?
    } else {
        let host = vm.host_id.or(vm.last_host_id);
        let left = (vm::last_host_id.eq(host), vm::host_id.eq(None::<Id<id::Host>>));
        kept(update(seen).set((moved, left))).execute(&mut **tx)?
    };
    if rows != 1 {
        return Err(Error::LostRace("instance"));
    }
    if let Some(left) = vm.host_id.filter(|_| !VmState::HOLDS_HOST.contains(&next)) {
        host::touch(tx, left)?;
    }
    count(tx, vm, next)?;
    record(tx, vm, next)?;
    Ok(next)
}

/// What ends and what begins with a change of state, in the ledger of usage.
fn record(tx: &mut Tx<'_>, vm: &Vm, next: VmState) -> Result<()> {
    let uses = [(Usage::Running, VmState::USED), (Usage::Allocated, VmState::COUNTED)];
    let (mut ends, mut begins) = (Vec::new(), Vec::new());
    for (usage, states) in uses {
        match (states.contains(&vm.state), states.contains(&next)) {
            (true, false) => ends.push(usage),
            (false, true) => begins.push(usage),
            _ => {}
        }
    }
    if !ends.is_empty() {
        usage::end(tx, &ends, vm.id)?;
    }
    begins.into_iter().try_for_each(|kind| usage::begin(tx, kind, vm.id))
}

/// A destroyed instance counts no more against its owner's limits; one that is taken back must find room there.
fn count(tx: &mut Tx<'_>, vm: &Vm, next: VmState) -> Result<()> {
    let owner = Owner { account: vm.account_id, domain: vm.domain_id };
    let bill = limit::bill_of_vm(vm.cpu_number, vm.memory_mib);
    let tags = limit::Tags::of_vm(vm.limit_tags.as_deref());
    match (VmState::COUNTED.contains(&vm.state), VmState::COUNTED.contains(&next)) {
        (true, false) => limit::free_tagged(tx, owner, &bill, tags),
        (false, true) => limit::charge_tagged(tx, owner, &bill, tags),
        _ => Ok(()),
    }
}

/// The instance is gone for good; its row stays for history without what its owner had written into it, its name is
/// free.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Vm>) -> Result<()> {
    kept(
        update(vm::table.filter(vm::id.eq(id)).filter(vm::removed.is_null()))
            .set((vm::removed.eq(clock().nullable()), vm::user_data.eq(None::<String>))),
    )
    .execute(&mut **tx)?;
    decision::forget(tx, id)?;
    affinity_group::leave(tx, id)
}
