//! What a host still owes: clean-up that could not reach it, paid when it is back.

use super::{
    Conn, Tx, clock,
    schema::{gpu_allocation, host_debt, job},
};
use crate::{
    domain::{Id, gpu::AllocationState, id},
    error::Result,
};
use diesel::{
    BoolExpressionMethods, CombineDsl, ExpressionMethods, NullableExpressionMethods, QueryDsl,
    RunQueryDsl, dsl::exists, insert_into, update,
};
use uuid::Uuid;

/// Records that a host owes the undoing of a job.
pub fn record(tx: &mut Tx<'_>, host: Id<id::Host>, job: Id<id::Job>, why: &str) -> Result<()> {
    insert_into(host_debt::table)
        .values((
            host_debt::id.eq(Id::<id::Job>::mint()),
            host_debt::host_id.eq(host),
            host_debt::kind.eq("undo"),
            host_debt::plan.eq(job.to_string()),
            host_debt::why.eq(why),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// The hosts that owe something, or whose devices somebody is giving back. One statement.
pub fn debtors(conn: &mut Conn) -> Result<Vec<Id<id::Host>>> {
    let owing = host_debt::table.filter(host_debt::paid.is_null()).select(host_debt::host_id);
    let releasing =
        gpu_allocation::active.eq(true).and(gpu_allocation::state.eq(AllocationState::Releasing));
    let releasing = gpu_allocation::table.filter(releasing).select(gpu_allocation::host_id);
    Ok(owing.union(releasing).load(conn)?)
}

/// The jobs whose undoing a host owes, oldest first.
pub fn unpaid(conn: &mut Conn, host: Id<id::Host>) -> Result<Vec<Id<id::Job>>> {
    let rows: Vec<String> = host_debt::table
        .filter(host_debt::host_id.eq(host))
        .filter(host_debt::paid.is_null())
        .order(host_debt::id)
        .select(host_debt::plan)
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|job| job.parse().ok()).collect())
}

/// Whether a host owes anything for this thing: the undoing of a job that worked on it.
pub fn is_owed(conn: &mut Conn, subject: Uuid) -> Result<bool> {
    let jobs =
        job::table.filter(job::subject_id.eq(subject.hyphenated().to_string())).select(job::id);
    let owing = host_debt::table
        .filter(host_debt::paid.is_null())
        .filter(host_debt::plan.eq_any(jobs))
        .select(host_debt::id);
    Ok(diesel::select(exists(owing)).get_result(conn)?)
}

/// What was owed for this job is paid.
pub fn pay(tx: &mut Tx<'_>, job: Id<id::Job>) -> Result<()> {
    let owed = host_debt::plan.eq(job.to_string()).and(host_debt::paid.is_null());
    let paid = host_debt::paid.eq(clock().nullable());
    update(host_debt::table.filter(owed)).set(paid).execute(&mut **tx)?;
    Ok(())
}
