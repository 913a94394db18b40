//! Disk offerings: rows and queries.

use super::{Conn, Tx, Window, clock, like, schema::disk_offering};
use crate::{
    domain::{Id, Time, id},
    error::Result,
};
use diesel::{
    ExpressionMethods, Insertable, NullableExpressionMethods, QueryDsl, Queryable, RunQueryDsl,
    Selectable, SelectableHelper, TextExpressionMethods, insert_into, update,
};

/// A disk offering.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = disk_offering)]
pub struct DiskOffering {
    /// Its id.
    pub id: Id<id::DiskOffering>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub display_text: String,
    /// The size of its disks in bytes; 0 when it is chosen with each disk.
    pub size: i64,
    /// Whether the size is chosen with each disk.
    pub is_customized: bool,
    /// The tags that pools must have, joined by commas.
    pub tags: Option<String>,
    /// `Active` or `Inactive`.
    pub state: String,
}

/// How many match, and one page of them, oldest first.
pub fn list(
    conn: &mut Conn,
    id: Option<Id<id::DiskOffering>>,
    name: Option<&str>,
    window: &Window,
) -> Result<(i64, Vec<(DiskOffering, Time)>)> {
    let query = || {
        let mut query = disk_offering::table.filter(disk_offering::removed.is_null()).into_boxed();
        if let Some(id) = id {
            query = query.filter(disk_offering::id.eq(id));
        }
        if let Some(name) = name {
            query = query.filter(disk_offering::name.eq(name));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(disk_offering::name.like(like(word)));
        }
        query
    };
    let columns = (DiskOffering::as_select(), disk_offering::created);
    let rows = window.page(query().select(columns).order(disk_offering::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// Inserts an offering.
pub fn insert(tx: &mut Tx<'_>, new: &DiskOffering) -> Result<()> {
    insert_into(disk_offering::table).values(new).execute(&mut **tx)?;
    Ok(())
}

/// Removes an offering; disks made of it stay.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::DiskOffering>) -> Result<()> {
    update(disk_offering::table.filter(disk_offering::id.eq(id)))
        .set(disk_offering::removed.eq(clock().nullable()))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)
}
