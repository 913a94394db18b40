//! Networks: rows and queries.

use super::{
    Conn, Tx, Window, clock, like, limit,
    owner::{Owner, OwnerName, Owners, owned_by, owner_name, with_owner},
    schema::{domain, network, network_offering, zone},
    tag,
    write::first_use,
};
use crate::{
    domain::{Id, Kind, Time, id, infra::GuestType, net::Cidr, resource::Resource},
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, TextExpressionMethods, insert_into, update,
};

/// A network.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = network)]
pub struct Network {
    /// Its id.
    pub id: Id<id::Network>,
    /// Its account.
    pub account_id: Id<id::Account>,
    /// Its domain.
    pub domain_id: Id<id::Domain>,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// Its offering.
    pub offering_id: Id<id::NetworkOffering>,
    /// The physical network that carries it.
    pub physical_network_id: Option<Id<id::PhysicalNetwork>>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub display_text: String,
    /// What kind of network it is.
    pub guest_type: GuestType,
    /// `Account`, or `Domain` when everyone may use it.
    pub acl_type: String,
    /// Its range: `10.1.1.0/24`.
    pub cidr: Option<String>,
    /// Its gateway.
    pub gateway: Option<String>,
    /// Its netmask.
    pub netmask: Option<String>,
    /// The first address for instances, when only a part of the range is theirs.
    pub start_ip: Option<String>,
    /// The last one.
    pub end_ip: Option<String>,
    /// `untagged`.
    pub vlan: Option<String>,
    /// The bridge of the hosts that it is, when it is not a NAT network of each host.
    pub bridge: Option<String>,
    /// The domain of host names.
    pub network_domain: Option<String>,
    /// `Allocated` until an instance is in it, then `Implemented`.
    pub state: String,
}

/// A network with the names of what it belongs to.
#[derive(Debug, Clone, Queryable)]
pub struct Named {
    /// The network.
    pub network: Network,
    /// When it was made.
    pub created: Time,
    /// Its zone: name, dns1, dns2.
    pub zone: (String, String, Option<String>),
    /// Its offering: name, description.
    pub offering: (String, String),
    /// Whose it is.
    pub owner: OwnerName,
    /// Its domain: name, path.
    pub domain: (String, String),
}

/// Which networks to list.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub owners: Owners,
    /// And those that are for everyone in these domains.
    pub shared_in: Vec<Id<id::Domain>>,
    /// This one.
    pub id: Option<Id<id::Network>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// Of this kind.
    pub guest_type: Option<String>,
    /// With this access.
    pub acl_type: Option<String>,
    /// On this physical network.
    pub physical_network: Option<Id<id::PhysicalNetwork>>,
    /// Made of this offering.
    pub offering: Option<Id<id::NetworkOffering>>,
    /// With one of these tags; empty: all.
    pub tags: Vec<(String, String)>,
}

/// What to change of a network.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = network)]
#[expect(missing_docs, reason = "the fields of a network")]
pub struct Changes {
    pub name: Option<String>,
    pub display_text: Option<String>,
    pub network_domain: Option<String>,
}

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    let query = || {
        let mut query = with_owner!(network::table, network)
            .inner_join(zone::table.on(zone::id.eq(network::zone_id)))
            .inner_join(network_offering::table.on(network_offering::id.eq(network::offering_id)))
            .inner_join(domain::table.on(domain::id.eq(network::domain_id)))
            .into_boxed();
        query = owned_by!(query, network, &filter.owners);
        if filter.owners != Owners::All {
            let of_these = network::domain_id.eq_any(filter.shared_in.clone());
            query = query.or_filter(network::acl_type.eq("Domain").and(of_these));
        }
        query = query.filter(network::alive.eq(true));
        if let Some(id) = filter.id {
            query = query.filter(network::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(network::name.eq(name));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(network::zone_id.eq(zone));
        }
        if let Some(kind) = &filter.guest_type {
            query = query.filter(network::guest_type.eq(kind));
        }
        if let Some(acl) = &filter.acl_type {
            query = query.filter(network::acl_type.eq(acl));
        }
        if let Some(physical) = filter.physical_network {
            query = query.filter(network::physical_network_id.eq(physical));
        }
        if let Some(offering) = filter.offering {
            query = query.filter(network::offering_id.eq(offering));
        }
        if !filter.tags.is_empty() {
            query = query.filter(network::id.eq_any(tag::having(Kind::Network, &filter.tags)));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            let named = network::name.like(word.clone()).or(network::display_text.like(word));
            query = query.filter(named);
        }
        query
    };
    let columns = (
        Network::as_select(),
        network::created,
        (zone::name, zone::dns1, zone::dns2),
        (network_offering::name, network_offering::display_text),
        owner_name!(),
        (domain::name, domain::path),
    );
    let rows = window.page(query().select(columns).order(network::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One network with its names, whoever owns it. Error: not found.
pub fn named(conn: &mut Conn, id: Id<id::Network>) -> Result<Named> {
    let filter = Filter {
        owners: Owners::All,
        shared_in: Vec::new(),
        id: Some(id),
        name: None,
        zone: None,
        guest_type: None,
        acl_type: None,
        physical_network: None,
        offering: None,
        tags: Vec::new(),
    };
    let found = list(conn, &filter, &Window::ALL)?.1.pop();
    found.ok_or_else(|| Error::NotFound { what: "network", id: id.to_string() })
}

/// One network. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::Network>) -> Result<Network> {
    let query = network::table.filter(network::id.eq(id)).filter(network::alive.eq(true));
    let found = query.select(Network::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "network", id: id.to_string() })
}

/// The ranges that networks of a zone have. Hold the zone before, so that no two networks get one.
pub fn ranges(conn: &mut Conn, zone: Id<id::Zone>) -> Result<Vec<Cidr>> {
    let rows: Vec<Option<String>> = network::table
        .filter(network::zone_id.eq(zone))
        .filter(network::alive.eq(true))
        .filter(network::cidr.is_not_null())
        .select(network::cidr)
        .load(conn)?;
    Ok(rows.into_iter().flatten().filter_map(|text| text.parse().ok()).collect())
}

/// Inserts a network.
pub fn insert(tx: &mut Tx<'_>, new: &Network) -> Result<()> {
    insert_into(network::table).values(new).execute(&mut **tx)?;
    limit::charge(tx, owner(new), &bill(new))
}

fn owner(of: &Network) -> Owner {
    Owner { account: of.account_id, domain: of.domain_id }
}

/// A network of one account counts against its limits; one for everyone does not.
fn bill(of: &Network) -> limit::Bill {
    match of.acl_type.as_str() {
        "Account" => vec![(Resource::Network, limit::Amount::Of(1))],
        _ => limit::Bill::new(),
    }
}

/// Changes a network.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Network>, changes: &Changes) -> Result<()> {
    let changes = (changes, network::id.eq(id)); // so that there is always something to set
    update(network::table.filter(network::id.eq(id))).set(changes).execute(&mut **tx)?;
    Ok(())
}

/// Removes a network. Error: in use, while an instance has an interface in it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Network>) -> Result<Network> {
    let query = network::table.filter(network::id.eq(id)).for_update();
    query.select(network::id).first::<String>(&mut **tx).optional()?;
    let found = get(tx, id)?;
    let uses = [("instances", "nic WHERE network_id = {} AND active = 1")];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!(
            "Can't delete the network, not all user vms are expunged: {what} have interfaces in {}",
            found.name
        )));
    }
    update(network::table.filter(network::id.eq(id)))
        .set((network::alive.eq(None::<bool>), network::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    limit::free(tx, owner(&found), &bill(&found))?;
    tag::clear(tx, id)?;
    super::annotation::clear(tx, id)?;
    super::detail::clear(tx, id)?;
    Ok(found)
}
