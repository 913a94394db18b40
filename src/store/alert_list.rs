//! Alerts as they are read, archived and deleted.

use super::{Conn, Tx, Window, like, schema::alert};
use crate::{
    domain::{Id, Time, id},
    error::Result,
};
use diesel::{
    ExpressionMethods, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, delete, update,
};

/// Which alerts to list, archive or delete.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These; empty: all.
    pub ids: Vec<Id<id::Alert>>,
    /// Of this kind.
    pub number: Option<i32>,
    /// Of the kind with this name.
    pub name: Option<String>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

/// An alert.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = alert)]
#[expect(missing_docs, reason = "the columns of an alert")]
pub struct Alert {
    pub id: Id<id::Alert>,
    pub number: i32,
    pub kind: String,
    pub description: String,
    pub resource_kind: Option<String>,
    pub resource_id: Option<String>,
    pub created: Time,
    pub resolved: Option<Time>,
}

macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let mut query = $query.into_boxed();
        if !$filter.ids.is_empty() {
            query = query.filter(alert::id.eq_any($filter.ids.clone()));
        }
        if let Some(number) = $filter.number {
            query = query.filter(alert::number.eq(number));
        }
        if let Some(name) = &$filter.name {
            query = query.filter(alert::kind.eq(name.clone()));
        }
        if let Some(from) = $filter.from {
            query = query.filter(alert::created.ge(from));
        }
        if let Some(to) = $filter.to {
            query = query.filter(alert::created.lt(to));
        }
        query
    }};
}

/// How many there are, and one page of them, the newest first. Two statements at most.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Alert>)> {
    macro_rules! listed {
        ($query:expr) => {{
            let query = filtered!($query, filter).filter(alert::shelf.eq("Listed"));
            match &window.keyword {
                None => query,
                Some(word) => query.filter(alert::description.like(like(word))),
            }
        }};
    }
    let page = listed!(alert::table.select(Alert::as_select()))
        .order((alert::created.desc(), alert::id.desc()));
    let rows: Vec<Alert> = window.page(page, conn)?;
    let count =
        window.count(rows.len(), || Ok(listed!(alert::table).count().get_result(conn)?))?;
    Ok((count, rows))
}

/// Puts them away; says how many.
pub fn archive(tx: &mut Tx<'_>, filter: &Filter) -> Result<usize> {
    shelve(tx, filter, &["Listed"], "Archived")
}

/// Removes them, archived or not; says how many. What is still so is only hidden until it is over, or the next round would
/// tell it anew.
pub fn remove(tx: &mut Tx<'_>, filter: &Filter) -> Result<usize> {
    let count = shelve(tx, filter, &["Listed", "Archived"], "Deleted")?;
    let over = alert::table.filter(alert::shelf.eq("Deleted")).filter(alert::open.is_null());
    delete(over).execute(&mut **tx)?;
    Ok(count)
}

fn shelve(tx: &mut Tx<'_>, filter: &Filter, from: &[&str], to: &str) -> Result<usize> {
    let chosen = filtered!(alert::table.select(alert::id), filter);
    let ids: Vec<Id<id::Alert>> =
        chosen.filter(alert::shelf.eq_any(from.to_vec())).load(&mut **tx)?;
    let mut count = 0;
    for some in ids.chunks(1000) {
        let rows = alert::table.filter(alert::id.eq_any(some.to_vec()));
        count += update(rows).set(alert::shelf.eq(to)).execute(&mut **tx)?;
    }
    Ok(count)
}
