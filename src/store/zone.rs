//! Zones: rows and queries.

use super::{
    Conn, Tx, Window, clock, like,
    schema::zone,
    write::{first_use, unless_taken},
};
use crate::{
    domain::{
        Id, id,
        infra::{NetworkType, Switch},
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, NullableExpressionMethods, OptionalExtension,
    QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods,
    insert_into, update,
};

/// A zone.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = zone)]
pub struct Zone {
    /// Its id.
    pub id: Id<id::Zone>,
    /// Its name.
    pub name: String,
    /// The DNS server of instances.
    pub dns1: String,
    /// The second one.
    pub dns2: Option<String>,
    /// The DNS server of the service's own.
    pub internal_dns1: String,
    /// The second one.
    pub internal_dns2: Option<String>,
    /// Where the networks of isolated guests are cut from.
    pub guest_cidr: Option<String>,
    /// The domain of host names.
    pub network_domain: Option<String>,
    /// How guests are separated.
    pub network_type: NetworkType,
    /// Whether instances may be placed in it.
    pub allocation_state: Switch,
    /// Whether disks may lie on the hosts themselves.
    pub local_storage: bool,
}

/// Which zones to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These; empty: all.
    pub ids: Vec<Id<id::Zone>>,
    /// With this name.
    pub name: Option<String>,
    /// With this network type.
    pub network_type: Option<String>,
    /// Only those that are enabled.
    pub enabled_only: bool,
}

/// What to change of a zone.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = zone)]
#[expect(missing_docs, reason = "the fields of a zone")]
pub struct Changes {
    pub name: Option<String>,
    pub dns1: Option<String>,
    pub dns2: Option<String>,
    pub internal_dns1: Option<String>,
    pub internal_dns2: Option<String>,
    pub guest_cidr: Option<String>,
    pub network_domain: Option<String>,
    pub allocation_state: Option<Switch>,
    pub local_storage: Option<bool>,
}

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Zone>)> {
    let query = || {
        let mut query = zone::table.filter(zone::alive.eq(true)).into_boxed();
        if !filter.ids.is_empty() {
            query = query.filter(zone::id.eq_any(&filter.ids));
        }
        if let Some(name) = &filter.name {
            query = query.filter(zone::name.eq(name));
        }
        if let Some(kind) = &filter.network_type {
            query = query.filter(zone::network_type.eq(kind));
        }
        if filter.enabled_only {
            query = query.filter(zone::allocation_state.eq(Switch::Enabled));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(zone::name.like(like(word)));
        }
        query
    };
    let rows = window.page(query().select(Zone::as_select()).order(zone::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One zone. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::Zone>) -> Result<Zone> {
    let query = zone::table.filter(zone::id.eq(id)).filter(zone::alive.eq(true));
    let found = query.select(Zone::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "zone", id: id.to_string() })
}

/// Holds the zone until the transaction ends, so that it cannot be removed meanwhile. Error: not found.
pub fn hold(tx: &mut Tx<'_>, id: Id<id::Zone>) -> Result<Zone> {
    let query = zone::table.filter(zone::id.eq(id)).filter(zone::alive.eq(true));
    let found = query.select(Zone::as_select()).for_update().first(&mut **tx).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "zone", id: id.to_string() })
}

/// Inserts a zone. Error: invalid, when its name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &Zone) -> Result<()> {
    let outcome = insert_into(zone::table).values(new).execute(&mut **tx);
    unless_taken(outcome, || taken(&new.name)).map(drop)
}

/// Changes a zone. Error: invalid, when its new name is taken.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Zone>, changes: &Changes) -> Result<()> {
    let changes = (changes, zone::id.eq(id)); // so that there is always something to set
    let outcome = update(zone::table.filter(zone::id.eq(id))).set(changes).execute(&mut **tx);
    unless_taken(outcome, || "A zone with that name already exists".to_owned()).map(drop)
}

fn taken(name: &str) -> String {
    format!("A zone with the name {name} already exists. Please specify a unique zone name.")
}

/// Removes a zone. Error: conflict, while anything is in it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Zone>) -> Result<()> {
    hold(tx, id)?;
    let uses = [
        ("hosts", "host WHERE zone_id = {} AND alive = 1"),
        ("instances", "vm WHERE zone_id = {} AND removed IS NULL"),
        ("volumes", "volume WHERE zone_id = {} AND removed IS NULL"),
        ("networks", "network WHERE zone_id = {} AND alive = 1"),
        ("storage pools", "storage_pool WHERE zone_id = {} AND alive = 1"),
        ("pods", "pod WHERE zone_id = {} AND alive = 1"),
        ("physical networks", "physical_network WHERE zone_id = {} AND removed IS NULL"),
        ("image stores", "image_store WHERE zone_id = {} AND alive = 1"),
    ];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::Conflict(format!(
            "The zone is not deletable because there are {what} in this zone"
        )));
    }
    update(zone::table.filter(zone::id.eq(id)))
        .set((zone::alive.eq(None::<bool>), zone::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)?;
    super::detail::clear(tx, id)
}
