//! Alerts: what an administrator must look at; one open alert for each kind and thing, by a unique key.

use super::{Tx, clock, is_duplicate, schema::alert};
use crate::{
    domain::{Id, Kind, alert::AlertType, id},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl,
    dsl::exists, insert_into, select, update,
};
use uuid::Uuid;

/// Raises an alert, unless one of this kind about this thing is open.
pub fn raise(tx: &mut Tx<'_>, kind: AlertType, text: &str, subject: (Kind, Uuid)) -> Result<()> {
    let (noun, id) = (subject.0.resource(), subject.1.hyphenated().to_string());
    let open = alert::table.filter(
        (alert::resource_id.eq(&id)).and(alert::kind.eq(kind.name)).and(alert::open.eq(true)),
    );
    if select(exists(open)).get_result(&mut **tx)? {
        return Ok(());
    }
    let text: String = text.chars().take(1000).collect();
    let made = insert_into(alert::table)
        .values((
            alert::id.eq(Id::<id::Alert>::mint()),
            alert::kind.eq(kind.name),
            alert::number.eq(i32::from(kind.number)),
            alert::description.eq(text),
            alert::resource_kind.eq(noun),
            alert::resource_id.eq(id),
            alert::open.eq(true),
        ))
        .execute(&mut **tx)
        .map_err(Error::from);
    match made {
        Err(error) if !is_duplicate(&error) => Err(error),
        _ => Ok(()), // another server was faster
    }
}

/// An alert that somebody raises by hand: it is about nothing in particular and never ends by itself.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// Its number.
    pub number: i16,
    /// Its name.
    pub name: String,
    /// What it says.
    pub text: String,
    /// The zone it is about.
    pub zone: Option<Id<id::Zone>>,
    /// The pod it is about.
    pub pod: Option<Id<id::Pod>>,
}

/// Records an alert that somebody raises by hand.
pub fn by_hand(tx: &mut Tx<'_>, new: &ByHand) -> Result<Id<id::Alert>> {
    let id = Id::mint();
    insert_into(alert::table)
        .values((
            alert::id.eq(id),
            alert::kind.eq(&new.name),
            alert::number.eq(i32::from(new.number)),
            alert::description.eq(&new.text),
            alert::zone_id.eq(new.zone),
            alert::pod_id.eq(new.pod),
        ))
        .execute(&mut **tx)?;
    Ok(id)
}

/// What an alert becomes when it is over.
macro_rules! over {
    () => {
        (alert::resolved.eq(clock().nullable()), alert::open.eq(None::<bool>))
    };
}

/// Ends the open alerts of this kind about this thing.
pub fn resolve(tx: &mut Tx<'_>, kind: AlertType, subject: Uuid) -> Result<()> {
    resolve_many(tx, kind, &[subject])
}

/// Ends the open alerts of this kind about these things.
pub fn resolve_many(tx: &mut Tx<'_>, kind: AlertType, subjects: &[Uuid]) -> Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let ids = subjects.iter().map(|id| id.hyphenated().to_string());
    let open = alert::resource_id.eq_any(ids).and(alert::kind.eq(kind.name));
    update(alert::table.filter(open.and(alert::open.eq(true)))).set(over!()).execute(&mut **tx)?;
    Ok(())
}

/// Ends all open alerts about this thing.
pub fn resolve_all(tx: &mut Tx<'_>, subject: Uuid) -> Result<()> {
    let open = alert::resource_id.eq(subject.hyphenated().to_string()).and(alert::open.eq(true));
    update(alert::table.filter(open)).set(over!()).execute(&mut **tx)?;
    Ok(())
}
