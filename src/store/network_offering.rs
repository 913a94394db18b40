//! Network offerings: rows and queries.

use super::{Conn, Window, like, schema::network_offering};
use crate::{
    domain::{Id, Time, id, infra::GuestType},
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, Insertable, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods,
};

/// A network offering.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = network_offering)]
pub struct NetworkOffering {
    /// Its id.
    pub id: Id<id::NetworkOffering>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub display_text: String,
    /// What kind of network it makes.
    pub guest_type: GuestType,
    /// `Enabled` or `Disabled`.
    pub state: String,
    /// Whether every cloud has it.
    pub is_default: bool,
    /// Whether a VLAN must be named with each network.
    pub specify_vlan: bool,
    /// Whether a range of addresses must be named with each network.
    pub specify_ip_ranges: bool,
}

/// Which offerings to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::NetworkOffering>>,
    /// With this name.
    pub name: Option<String>,
    /// With this description.
    pub display_text: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// That make this kind of network.
    pub guest_type: Option<String>,
    /// Whether every cloud has them.
    pub is_default: Option<bool>,
    /// Whether a VLAN must be named.
    pub specify_vlan: Option<bool>,
    /// Whether a range must be named.
    pub specify_ip_ranges: Option<bool>,
}

/// How many match, and one page of them, oldest first.
pub fn list(
    conn: &mut Conn,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<(NetworkOffering, Time)>)> {
    let query = || {
        let mut query =
            network_offering::table.filter(network_offering::removed.is_null()).into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(network_offering::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(network_offering::name.eq(name));
        }
        if let Some(text) = &filter.display_text {
            query = query.filter(network_offering::display_text.eq(text));
        }
        if let Some(state) = &filter.state {
            query = query.filter(network_offering::state.eq(state));
        }
        if let Some(kind) = &filter.guest_type {
            query = query.filter(network_offering::guest_type.eq(kind));
        }
        if let Some(is_default) = filter.is_default {
            query = query.filter(network_offering::is_default.eq(is_default));
        }
        if let Some(vlan) = filter.specify_vlan {
            query = query.filter(network_offering::specify_vlan.eq(vlan));
        }
        if let Some(ranges) = filter.specify_ip_ranges {
            query = query.filter(network_offering::specify_ip_ranges.eq(ranges));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(network_offering::name.like(like(word)));
        }
        query
    };
    let columns = (NetworkOffering::as_select(), network_offering::created);
    let rows = window.page(query().select(columns).order(network_offering::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One offering. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::NetworkOffering>) -> Result<NetworkOffering> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = list(conn, &filter, &Window::ALL)?.1.pop().map(|(offering, _)| offering);
    found.ok_or_else(|| Error::NotFound { what: "network offering", id: id.to_string() })
}
