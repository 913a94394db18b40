//! What the keeper of hosts reads and writes of instances: where they are by the books, and what the hosts say instead.

use super::{get, step};
use crate::{
    domain::{
        Id, id,
        vm::{VmEvent, VmState},
    },
    error::Result,
    store::{Conn, Tx, host, job, owner::Owner, schema::vm},
};
use diesel::{ExpressionMethods, QueryDsl, Queryable, RunQueryDsl, update};

/// An instance by the books.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Placed {
    /// The instance.
    pub id: Id<id::Vm>,
    /// Its host, unless it is stopped.
    pub host: Option<Id<id::Host>>,
    /// Its state.
    pub state: VmState,
    /// One more with every move.
    pub generation: i64,
    /// Its name.
    pub name: String,
    /// Who made it.
    pub user: Id<id::User>,
    /// Whose it is.
    pub owner: Owner,
}

macro_rules! columns {
    () => {
        (
            vm::id,
            vm::host_id,
            vm::state,
            vm::generation,
            vm::name,
            vm::user_id,
            (vm::account_id, vm::domain_id),
        )
    };
}

/// The instances that are on hosts; `Some`: on this one. One statement.
pub fn placed(conn: &mut Conn, host: Option<Id<id::Host>>) -> Result<Vec<Placed>> {
    let mut query = vm::table
        .filter(vm::host_id.is_not_null())
        .filter(vm::state.eq_any(VmState::MAY_RUN))
        .filter(vm::removed.is_null())
        .select(columns!())
        .into_boxed();
    if let Some(host) = host {
        query = query.filter(vm::host_id.eq(host));
    }
    Ok(query.load(conn)?)
}

/// Those of these instances that are in the books, wherever they are. One statement.
pub fn of(conn: &mut Conn, ids: &[Id<id::Vm>]) -> Result<Vec<Placed>> {
    let query = vm::table.filter(vm::id.eq_any(ids)).filter(vm::removed.is_null());
    Ok(query.select(columns!()).load(conn)?)
}

/// Whether it was made by hand: the cloud could not define it again, nor make its disks. One statement.
pub fn is_adopted(conn: &mut Conn, which: Id<id::Vm>) -> Result<bool> {
    Ok(vm::table.filter(vm::id.eq(which)).select(vm::adopted).first(conn)?)
}

/// An instance was made by hand.
pub fn set_adopted(tx: &mut Tx<'_>, which: Id<id::Vm>) -> Result<()> {
    update(vm::table.filter(vm::id.eq(which))).set(vm::adopted.eq(true)).execute(&mut **tx)?;
    Ok(())
}

/// Moves an instance to what its host shows, unless a job works on it or it was moved since it was read; says whether it
/// was moved.
pub fn found(tx: &mut Tx<'_>, seen: &Placed, at: Id<id::Host>, event: VmEvent) -> Result<bool> {
    let now = get(tx, seen.id)?;
    let is_news = now.state.next(event).is_some_and(|next| next != now.state);
    if now.generation != seen.generation || !is_news || job::is_active(tx, seen.id.uuid())? {
        return Ok(false);
    }
    step(tx, &now, event)?;
    if event == VmEvent::FoundRunning {
        update(vm::table.filter(vm::id.eq(seen.id))).set(vm::host_id.eq(at)).execute(&mut **tx)?;
        host::touch(tx, at)?;
    }
    Ok(true)
}
