//! Which alerts the webhook has not been told yet. Each is told by one server at a time; a try that came to nothing is
//! repeated later and later, for a day.

use super::{Conn, Tx, alert_list::Alert, clock, schema::alert};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl,
    SelectableHelper,
    dsl::sql,
    sql_types::{Datetime, Nullable},
    update,
};

/// An alert to be told.
#[derive(Debug, Clone)]
pub struct Untold {
    /// The alert.
    pub alert: Alert,
    /// How often it was tried.
    pub tries: i32,
}

/// Some alerts that are due: raised and not told, or over and only their beginning told; of the last day. One statement.
pub fn due(conn: &mut Conn, most: i64) -> Result<Vec<Untold>> {
    let is_over = alert::told.eq(1).and(alert::resolved.is_not_null());
    let is_new = alert::created.gt(sql::<Datetime>("UTC_TIMESTAMP(6) - INTERVAL 1 DAY"));
    let is_late = alert::told_next.is_null().or(alert::told_next.assume_not_null().le(clock()));
    let rows: Vec<(Alert, i32)> = alert::table
        .filter(alert::told.eq(0).and(is_new).or(is_over))
        .filter(is_late)
        .order(alert::id)
        .limit(most)
        .select((Alert::as_select(), alert::told_tries))
        .load(conn)?;
    Ok(rows.into_iter().map(|(alert, tries)| Untold { alert, tries }).collect())
}

/// Takes it on for this try: nobody else tries before the pause is over. False: another server did.
pub fn take(tx: &mut Tx<'_>, it: &Untold, pause: u32) -> Result<bool> {
    let next = format!("UTC_TIMESTAMP(6) + INTERVAL {pause} SECOND");
    let seen = alert::id.eq(it.alert.id).and(alert::told_tries.eq(it.tries));
    let taken = update(alert::table.filter(seen))
        .set((
            alert::told_tries.eq(it.tries + 1),
            alert::told_next.eq(sql::<Nullable<Datetime>>(&next)),
        ))
        .execute(&mut **tx)?;
    Ok(taken == 1)
}

/// It was told, with what is true of it at that moment.
pub fn told(tx: &mut Tx<'_>, which: Id<id::Alert>, is_over: bool) -> Result<()> {
    update(alert::table.filter(alert::id.eq(which)))
        .set((
            alert::told.eq(if is_over { 2 } else { 1 }),
            alert::told_tries.eq(0),
            alert::told_next.eq(clock().nullable()),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Nobody will tell it any more.
pub fn give_up(tx: &mut Tx<'_>, which: Id<id::Alert>) -> Result<()> {
    told(tx, which, true)
}
