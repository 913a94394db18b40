//! Physical networks and what travels on them: rows and queries.

use super::{
    Conn, Tx, Window, clock, like,
    schema::{physical_network, traffic_type, zone},
    write::{first_use, unless_taken},
};
use crate::{
    domain::{Id, id, infra::Switch},
    error::{Error, Result},
};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, delete, insert_into, update,
};

/// A physical network.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = physical_network)]
pub struct PhysicalNetwork {
    /// Its id.
    pub id: Id<id::PhysicalNetwork>,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// Its name.
    pub name: String,
    /// Whether networks may be made on it.
    pub state: Switch,
    /// The VLANs that clients wrote down for it; kept, not used.
    pub vlan: Option<String>,
    /// Its speed, as clients wrote it.
    pub speed: Option<String>,
    /// Its tags, joined by commas.
    pub tags: Option<String>,
    /// Its isolation methods, joined by commas.
    pub isolation_methods: Option<String>,
}

/// What travels on a physical network, and the bridge that carries it on the hosts.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = traffic_type)]
pub struct TrafficType {
    /// Its id.
    pub id: Id<id::TrafficType>,
    /// The physical network.
    pub physical_network_id: Id<id::PhysicalNetwork>,
    /// `Guest`, `Management`, `Public` or `Storage`.
    pub kind: String,
    /// The bridge of the hosts that carries it.
    pub label: Option<String>,
}

/// Which physical networks to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::PhysicalNetwork>>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// With this name.
    pub name: Option<String>,
}

/// What to change of a physical network.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = physical_network)]
#[expect(missing_docs, reason = "the fields of a physical network")]
pub struct Changes {
    pub state: Option<Switch>,
    pub vlan: Option<String>,
    pub speed: Option<String>,
    pub tags: Option<String>,
}

/// How many match, and one page of them with their zones' names, oldest first.
pub fn list(
    conn: &mut Conn,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<(PhysicalNetwork, String)>)> {
    let query = || {
        let mut query = physical_network::table
            .inner_join(zone::table.on(zone::id.eq(physical_network::zone_id)))
            .filter(physical_network::removed.is_null())
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(physical_network::id.eq(id));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(physical_network::zone_id.eq(zone));
        }
        if let Some(name) = &filter.name {
            query = query.filter(physical_network::name.eq(name));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(physical_network::name.like(like(word)));
        }
        query
    };
    let columns = (PhysicalNetwork::as_select(), zone::name);
    let rows = window.page(query().select(columns).order(physical_network::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One physical network with its zone's name. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::PhysicalNetwork>) -> Result<(PhysicalNetwork, String)> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let (_, mut rows) = list(conn, &filter, &Window::ALL)?;
    rows.pop().ok_or_else(|| Error::NotFound { what: "physical network", id: id.to_string() })
}

/// Inserts a physical network.
pub fn insert(tx: &mut Tx<'_>, new: &PhysicalNetwork) -> Result<()> {
    insert_into(physical_network::table).values(new).execute(&mut **tx)?;
    Ok(())
}

/// Changes a physical network.
pub fn change(tx: &mut Tx<'_>, id: Id<id::PhysicalNetwork>, changes: &Changes) -> Result<()> {
    let changes = (changes, physical_network::id.eq(id)); // so that there is always something to set
    let query = physical_network::table.filter(physical_network::id.eq(id));
    update(query).set(changes).execute(&mut **tx)?;
    Ok(())
}

/// Removes a physical network. Error: in use, while a network is on it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::PhysicalNetwork>) -> Result<()> {
    let uses = [("networks", "network WHERE physical_network_id = {} AND alive = 1")];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!(
            "The Physical Network is not deletable because there are {what} on it"
        )));
    }
    delete(traffic_type::table.filter(traffic_type::physical_network_id.eq(id)))
        .execute(&mut **tx)?;
    update(physical_network::table.filter(physical_network::id.eq(id)))
        .set(physical_network::removed.eq(clock().nullable()))
        .execute(&mut **tx)?;
    Ok(())
}

/// What travels on a physical network, oldest first.
pub fn traffic(conn: &mut Conn, id: Id<id::PhysicalNetwork>) -> Result<Vec<TrafficType>> {
    let query = traffic_type::table.filter(traffic_type::physical_network_id.eq(id));
    Ok(query.select(TrafficType::as_select()).order(traffic_type::id).load(conn)?)
}

/// One traffic type. Error: not found.
pub fn traffic_type(conn: &mut Conn, id: Id<id::TrafficType>) -> Result<TrafficType> {
    let query = traffic_type::table.filter(traffic_type::id.eq(id));
    let found = query.select(TrafficType::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "traffic type", id: id.to_string() })
}

/// Lets something travel on a physical network. Error: invalid, when it does already.
pub fn add_traffic(tx: &mut Tx<'_>, new: &TrafficType) -> Result<()> {
    let outcome = insert_into(traffic_type::table).values(new).execute(&mut **tx);
    unless_taken(outcome, || {
        format!("Traffic type {} is on this physical network already", new.kind)
    })
    .map(drop)
}

/// Names the bridge that carries it.
pub fn label_traffic(tx: &mut Tx<'_>, id: Id<id::TrafficType>, label: Option<&str>) -> Result<()> {
    update(traffic_type::table.filter(traffic_type::id.eq(id)))
        .set(traffic_type::label.eq(label))
        .execute(&mut **tx)?;
    Ok(())
}

/// Takes a traffic type away.
pub fn remove_traffic(tx: &mut Tx<'_>, id: Id<id::TrafficType>) -> Result<()> {
    delete(traffic_type::table.filter(traffic_type::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}
