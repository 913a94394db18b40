//! Details: text by name, of instances, offerings, templates and hosts.

use super::{Conn, Tx, schema::detail};
use crate::{domain::Id, error::Result};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, delete, insert_into};
use std::collections::{BTreeMap, HashMap};

/// One thing's details.
pub type Details = BTreeMap<String, String>;

/// The details of all these things. One statement, none when there are no things.
pub fn of<T: 'static>(conn: &mut Conn, owners: &[Id<T>]) -> Result<HashMap<Id<T>, Details>> {
    let mut found: HashMap<Id<T>, Details> = HashMap::new();
    if owners.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(Id<T>, String, String)> = detail::table
        .filter(detail::owner_id.eq_any(owners))
        .select((detail::owner_id, detail::name, detail::value))
        .load(conn)?;
    for (owner, name, value) in rows {
        found.entry(owner).or_default().insert(name, value);
    }
    Ok(found)
}

/// Adds details to a new thing, or replaces those of the same names.
pub fn put<T: 'static>(tx: &mut Tx<'_>, owner: Id<T>, details: &Details) -> Result<()> {
    if details.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = details
        .iter()
        .map(|(name, value)| {
            (detail::owner_id.eq(owner), detail::name.eq(name), detail::value.eq(value))
        })
        .collect();
    diesel::replace_into(detail::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

/// All details of a thing are these, and no others.
pub fn set<T: 'static>(tx: &mut Tx<'_>, owner: Id<T>, details: &Details) -> Result<()> {
    clear(tx, owner)?;
    if details.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = details
        .iter()
        .map(|(name, value)| {
            (detail::owner_id.eq(owner), detail::name.eq(name), detail::value.eq(value))
        })
        .collect();
    insert_into(detail::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

/// A thing has the details of these names no more.
pub fn forget<T: 'static>(tx: &mut Tx<'_>, owner: Id<T>, names: &[&str]) -> Result<()> {
    let these = detail::table.filter(detail::owner_id.eq(owner)).filter(detail::name.eq_any(names));
    delete(these).execute(&mut **tx)?;
    Ok(())
}

/// A thing has no details any more.
pub fn clear<T: 'static>(tx: &mut Tx<'_>, owner: Id<T>) -> Result<()> {
    delete(detail::table.filter(detail::owner_id.eq(owner))).execute(&mut **tx)?;
    Ok(())
}
