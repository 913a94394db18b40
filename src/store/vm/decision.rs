//! Why instances are where they are: what was written with their last reservation.

use crate::{
    domain::{Id, Time, id},
    error::Result,
    store::{
        Conn, Tx, Window, like,
        owner::{Owners, owned_by},
        prepared::prepared,
        schema::{host, vm, vm_decision},
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, Queryable,
    RunQueryDsl, TextExpressionMethods, delete,
    sql_types::{BigInt, Text},
};
use std::collections::HashMap;

/// How many decisions before the last one are kept of each instance.
const KEPT: i64 = 20;

/// Marks ids of decisions, which are not on the wire.
enum Before {}

/// An instance with its last decision.
#[derive(Debug, Clone, Queryable)]
pub struct Decided {
    /// The instance.
    pub vm: Id<id::Vm>,
    /// Its name.
    pub name: String,
    /// What was decided, as JSON.
    pub text: String,
    /// When.
    pub at: Time,
}

/// How many instances have a decision, and one page of them, oldest instance first.
pub fn decisions(
    conn: &mut Conn,
    owners: &Owners,
    vm: Option<Id<id::Vm>>,
    window: &Window,
) -> Result<(i64, Vec<Decided>)> {
    let query = || {
        let known = vm::decision.is_not_null().and(vm::decided.is_not_null());
        let query = vm::table.filter(vm::removed.is_null()).filter(known).into_boxed();
        let mut query = owned_by!(query, vm, owners);
        if let Some(id) = vm {
            query = query.filter(vm::id.eq(id));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(vm::name.like(like(word)));
        }
        query
    };
    let columns = (vm::id, vm::name, vm::decision.assume_not_null(), vm::decided.assume_not_null());
    let rows = window.page(query().select(columns).order(vm::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// What was decided before the last decision, the latest first.
pub fn decisions_before(conn: &mut Conn, last: &Decided) -> Result<Vec<Decided>> {
    let rows: Vec<(String, Time)> = vm_decision::table
        .filter(vm_decision::vm_id.eq(last.vm))
        .order((vm_decision::decided.desc(), vm_decision::id.desc()))
        .select((vm_decision::decision, vm_decision::decided))
        .load(conn)?;
    let decided = |(text, at)| Decided { vm: last.vm, name: last.name.clone(), text, at };
    Ok(rows.into_iter().map(decided).collect())
}

/// What was decided of the instance stays known when it is decided anew; of many the oldest are forgotten.
pub(super) fn keep(tx: &mut Tx<'_>, id: Id<id::Vm>) -> Result<()> {
    let text = "INSERT INTO vm_decision (id, vm_id, decided, decision) SELECT ?, id, decided, decision FROM vm \
        WHERE id = ? AND decided IS NOT NULL AND decision IS NOT NULL";
    let kept = prepared(text).bind::<Text, _>(Id::<Before>::mint()).bind::<Text, _>(id);
    if kept.execute(&mut **tx)? == 0 {
        return Ok(());
    }
    let many = vm_decision::table.filter(vm_decision::vm_id.eq(id)).count();
    if many.get_result::<i64>(&mut **tx)? > KEPT {
        let text = "DELETE FROM vm_decision WHERE vm_id = ? ORDER BY decided, id LIMIT ?";
        prepared(text).bind::<Text, _>(id).bind::<BigInt, _>(1i64).execute(&mut **tx)?;
    }
    Ok(())
}

/// Nothing is told any more of an instance that is gone.
pub(super) fn forget(tx: &mut Tx<'_>, id: Id<id::Vm>) -> Result<()> {
    delete(vm_decision::table.filter(vm_decision::vm_id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// The names of hosts, removed or not.
pub fn hosts_named(
    conn: &mut Conn,
    hosts: &[Id<id::Host>],
) -> Result<HashMap<Id<id::Host>, String>> {
    if hosts.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Id<id::Host>, String)> =
        host::table.filter(host::id.eq_any(hosts)).select((host::id, host::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}
