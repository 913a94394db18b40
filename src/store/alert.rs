//! Alerts: what an administrator must look at; one open alert for each kind and thing.

use super::{Tx, clock, schema::alert};
use crate::{
    domain::{Id, Kind},
    error::Result,
};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl, dsl::exists, insert_into,
    select, update,
};
use uuid::Uuid;

/// Marks the rows of this file; alerts are not asked for by id yet.
enum Alert {}

/// Raises an alert, unless one of this kind about this thing is open.
pub fn raise(tx: &mut Tx<'_>, kind: &str, text: &str, subject: (Kind, Uuid)) -> Result<()> {
    let (noun, id) = (subject.0.resource(), subject.1.hyphenated().to_string());
    let open = alert::table
        .filter(alert::resource_id.eq(&id))
        .filter(alert::kind.eq(kind))
        .filter(alert::resolved.is_null());
    if select(exists(open)).get_result(&mut **tx)? {
        return Ok(());
    }
    let text: String = text.chars().take(1000).collect();
    insert_into(alert::table)
        .values((
            alert::id.eq(Id::<Alert>::mint()),
            alert::kind.eq(kind),
            alert::description.eq(text),
            alert::resource_kind.eq(noun),
            alert::resource_id.eq(id),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Ends the open alerts of this kind about this thing.
pub fn resolve(tx: &mut Tx<'_>, kind: &str, subject: Uuid) -> Result<()> {
    update(
        alert::table
            .filter(alert::resource_id.eq(subject.hyphenated().to_string()))
            .filter(alert::kind.eq(kind))
            .filter(alert::resolved.is_null()),
    )
    .set(alert::resolved.eq(clock().nullable()))
    .execute(&mut **tx)?;
    Ok(())
}

/// Ends the open alerts of this kind about these things.
pub fn resolve_many(tx: &mut Tx<'_>, kind: &str, subjects: &[Uuid]) -> Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let ids = subjects.iter().map(|id| id.hyphenated().to_string());
    update(
        alert::table
            .filter(alert::resource_id.eq_any(ids))
            .filter(alert::kind.eq(kind))
            .filter(alert::resolved.is_null()),
    )
    .set(alert::resolved.eq(clock().nullable()))
    .execute(&mut **tx)?;
    Ok(())
}

/// Ends all open alerts about this thing.
pub fn resolve_all(tx: &mut Tx<'_>, subject: Uuid) -> Result<()> {
    let open = alert::resource_id.eq(subject.hyphenated().to_string());
    update(alert::table.filter(open).filter(alert::resolved.is_null()))
        .set(alert::resolved.eq(clock().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}
