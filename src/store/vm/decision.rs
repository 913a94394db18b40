//! Why instances are where they are: what was written with their last reservation.

use crate::{
    domain::{Id, Time, id},
    error::Result,
    store::{
        Conn, Window, like,
        owner::{Owners, owned_by},
        schema::{host, vm},
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, Queryable,
    RunQueryDsl, TextExpressionMethods,
};
use std::collections::HashMap;

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
