//! Details: text by name, of instances, offerings, templates, hosts and whatever else. Some are for administrators alone.

use super::{
    Conn, Tx, Window, like,
    prepared::{marks, padded, prepared},
    schema::{
        detail, disk_offering, network, network_offering, nic, os_type, service_offering,
        storage_pool, template, user, vm, volume, zone,
    },
};
use crate::{
    domain::{Id, Kind, ObjectType},
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, QueryableByName, RunQueryDsl,
    TextExpressionMethods, delete,
    sql_types::{Bool, Text},
};
use std::collections::{BTreeMap, HashMap};

/// One thing's details.
pub type Details = BTreeMap<String, String>;

#[derive(QueryableByName)]
struct Row<T: 'static> {
    #[diesel(sql_type = Text)]
    owner_id: Id<T>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Bool)]
    for_display: bool,
}

/// The details of all these things. One statement, none when there are no things.
pub fn of<T: 'static>(conn: &mut Conn, owners: &[Id<T>]) -> Result<HashMap<Id<T>, Details>> {
    load(conn, owners, false)
}

/// The same, but those that are for administrators alone: for answers.
pub fn shown<T: 'static>(conn: &mut Conn, owners: &[Id<T>]) -> Result<HashMap<Id<T>, Details>> {
    load(conn, owners, true)
}

fn load<T: 'static>(
    conn: &mut Conn,
    owners: &[Id<T>],
    shown_only: bool,
) -> Result<HashMap<Id<T>, Details>> {
    let mut found: HashMap<Id<T>, Details> = HashMap::new();
    if owners.is_empty() {
        return Ok(found);
    }
    let owners = padded(owners);
    let text = format!(
        "SELECT owner_id, name, value, for_display FROM detail WHERE owner_id IN ({})",
        marks(owners.len())
    );
    let statement = prepared(text).of_padded(owners.len());
    let rows: Vec<Row<T>> = statement.bind_all::<Text, _>(owners).load(conn)?;
    for Row { owner_id: owner, name, value, for_display } in rows {
        if for_display || !shown_only {
            found.entry(owner).or_default().insert(name, value);
        }
    }
    Ok(found)
}

/// Adds details to a thing, or replaces those of the same names that its owner sees.
pub fn put<T: 'static>(tx: &mut Tx<'_>, owner: Id<T>, details: &Details) -> Result<()> {
    if details.is_empty() {
        return Ok(());
    }
    let rows = vec!["(?, ?, ?)"; details.len()].join(", ");
    let text = format!(
        "INSERT INTO detail (owner_id, name, value) VALUES {rows} \
         ON DUPLICATE KEY UPDATE value = IF(for_display = 1, VALUES(value), value)"
    );
    let values =
        details.iter().flat_map(|(name, value)| [owner.to_string(), name.clone(), value.clone()]);
    prepared(text).rare(true).bind_all::<Text, _>(values).execute(&mut **tx)?;
    Ok(())
}

/// All details of a thing that its owner sees are these, and no others.
pub fn set<T: 'static>(tx: &mut Tx<'_>, owner: Id<T>, details: &Details) -> Result<()> {
    let shown = detail::owner_id.eq(owner).and(detail::for_display.eq(true));
    delete(detail::table.filter(shown)).execute(&mut **tx)?;
    put(tx, owner, details)
}

/// Writes one detail, which its owner sees or does not.
pub fn write<T: 'static>(
    tx: &mut Tx<'_>,
    owner: Id<T>,
    (name, value): (&str, &str),
    for_display: bool,
) -> Result<()> {
    prepared("REPLACE INTO detail (owner_id, name, value, for_display) VALUES (?, ?, ?, ?)")
        .bind::<Text, _>(owner)
        .bind::<Text, _>(name)
        .bind::<Text, _>(value)
        .bind::<Bool, _>(for_display)
        .execute(&mut **tx)?;
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

/// A detail with the thing that has it.
#[derive(Debug, Clone, Queryable)]
pub struct Detail {
    /// The thing.
    pub owner: Id<ObjectType>,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether the thing's owner sees it.
    pub for_display: bool,
}

/// Which details to list.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of things of this noun.
    pub kind: Kind,
    /// Of this thing.
    pub owner: Option<Id<ObjectType>>,
    /// Of this name.
    pub name: Option<String>,
    /// Of this value.
    pub value: Option<String>,
    /// Those that owners see, or the others; all if not given.
    pub for_display: Option<bool>,
}

/// Those whose thing is in this table.
macro_rules! in_table {
    ($query:expr, $table:ident) => {
        $query.filter(detail::owner_id.eq_any($table::table.select($table::id)))
    };
}

/// How many match, and one page of them.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Detail>)> {
    let query = || {
        let mut query = detail::table.into_boxed();
        query = match (filter.owner, filter.kind) {
            (Some(owner), _) => query.filter(detail::owner_id.eq(owner)),
            (None, Kind::Vm) => in_table!(query, vm),
            (None, Kind::Volume) => in_table!(query, volume),
            (None, Kind::Template) => in_table!(query, template),
            (None, Kind::Network) => in_table!(query, network),
            (None, Kind::Nic) => in_table!(query, nic),
            (None, Kind::Zone) => in_table!(query, zone),
            (None, Kind::ServiceOffering) => in_table!(query, service_offering),
            (None, Kind::StoragePool) => in_table!(query, storage_pool),
            (None, Kind::User) => in_table!(query, user),
            (None, Kind::DiskOffering) => in_table!(query, disk_offering),
            (None, Kind::NetworkOffering) => in_table!(query, network_offering),
            (None, _) => in_table!(query, os_type),
        };
        if let Some(name) = &filter.name {
            query = query.filter(detail::name.eq(name.clone()));
        }
        if let Some(value) = &filter.value {
            query = query.filter(detail::value.eq(value.clone()));
        }
        if let Some(for_display) = filter.for_display {
            query = query.filter(detail::for_display.eq(for_display));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(detail::name.like(like(word)));
        }
        query
    };
    let columns = (detail::owner_id, detail::name, detail::value, detail::for_display);
    let order = (detail::owner_id, detail::name);
    let rows = window.page(query().select(columns).order(order), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}
