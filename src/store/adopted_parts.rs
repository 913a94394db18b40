//! The disks and network interfaces of a domain that was made by hand, as volumes and interfaces of an instance: which of
//! them the books can hold, and what is said of the others.

use super::{
    Conn, Tx, nic,
    owner::Owner,
    schema::{domain, network, nic as nics},
    usage, vm,
    volume::{self, Volume},
};
use crate::{
    domain::{
        Id, id,
        machine::{SeenDisk, SeenNic, SeenParts, names},
    },
    error::Result,
};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};

/// What of a domain goes into the books besides its devices.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Its disks, the root disk first.
    pub volumes: Vec<Volume>,
    /// Its interfaces, the default one first.
    pub nics: Vec<nic::New>,
    /// The interfaces for people.
    pub plugs: Vec<String>,
    /// What stays with the host alone, and why.
    pub notes: Vec<String>,
}

/// What can be held of these parts. Three statements.
pub fn parts(
    conn: &mut Conn,
    seen: &SeenParts,
    instance: Id<id::Vm>,
    (owner, zone): (Owner, Id<id::Zone>),
) -> Result<Parts> {
    let mut parts = Parts::default();
    if !seen.persistent {
        parts.notes.push("its definition is gone when it stops: define it on its host".to_owned());
    }
    for disk in &seen.disks {
        match volume(disk, instance, (owner, zone), parts.volumes.len()) {
            Ok(volume) => parts.volumes.push(volume),
            Err(why) => parts.notes.push(format!("{} {}: {why}", disk.kind, disk.target)),
        }
    }
    let macs: Vec<&str> = seen.nics.iter().map(|nic| nic.mac.as_str()).collect();
    let taken: Vec<String> = nics::table
        .filter(nics::mac.eq_any(&macs).and(nics::active.eq(true)))
        .select(nics::mac)
        .load(conn)?;
    let networks = networks(conn, owner, zone)?;
    for card in &seen.nics {
        match place(card, &networks, &taken) {
            Ok(network) => {
                let index = parts.nics.len();
                parts.plugs.push(format!("{} in network {}", card.mac, network.name));
                parts.nics.push(nic::New {
                    id: Id::mint(),
                    vm_id: instance,
                    network_id: network.id,
                    mac: card.mac.clone(),
                    ip: None,
                    device_index: i32::try_from(index).unwrap_or_default(),
                    is_default: index == 0,
                });
            }
            Err(why) => parts.notes.push(format!("interface {}: {why}", card.mac)),
        }
    }
    Ok(parts)
}

/// A disk as a volume. Error: why it is none.
fn volume(
    disk: &SeenDisk,
    instance: Id<id::Vm>,
    (owner, zone): (Owner, Id<id::Zone>),
    index: usize,
) -> Result<Volume, String> {
    let stays = |why: &str| Err(format!("{why}; it stays with the domain and is no volume"));
    let Some(path) = disk.source.clone() else { return stays("it is empty") };
    if !matches!(disk.kind.as_str(), "disk" | "lun") {
        return stays("it is no disk");
    }
    let Some(size) = disk.capacity.and_then(|size| i64::try_from(size).ok()) else {
        return stays("its host does not tell its size");
    };
    if path.chars().count() > 255 {
        return stays("its path is longer than 255 characters");
    }
    let (kind, name) = match index {
        0 => ("ROOT", format!("ROOT-{instance}")),
        _ => ("DATADISK", format!("DATA-{}-{instance}", disk.target)),
    };
    Ok(Volume {
        id: Id::mint(),
        account_id: owner.account,
        domain_id: owner.domain,
        zone_id: zone,
        vm_id: Some(instance),
        pool_id: None,
        template_id: None,
        name: name.chars().take(255).collect(),
        kind: kind.to_owned(),
        format: disk.format.chars().take(16).collect(),
        path,
        size,
        device_index: i32::try_from(index).unwrap_or_default(),
        state: "Ready".to_owned(),
        limit_tags: None,
    })
}

/// A network and what it is called on hosts.
struct Network {
    id: Id<id::Network>,
    name: String,
    links: Vec<String>,
}

/// The networks of a zone that this owner's instances may be in.
fn networks(conn: &mut Conn, owner: Owner, zone: Id<id::Zone>) -> Result<Vec<Network>> {
    type Row =
        ((Id<id::Network>, String, String, Option<String>), (Id<id::Account>, String, String));
    let own = super::owner::path(conn, owner.domain)?;
    let rows: Vec<Row> = network::table
        .inner_join(domain::table.on(domain::id.eq(network::domain_id)))
        .filter(network::zone_id.eq(zone).and(network::alive.eq(true)))
        .order(network::id)
        .select((
            (network::id, network::name, network::guest_type, network::bridge),
            (network::account_id, network::acl_type, domain::path),
        ))
        .load(conn)?;
    let is_open = |(_, (account, acl, path)): &Row| {
        *account == owner.account || (acl == "Domain" && own.starts_with(path.as_str()))
    };
    let network = |((id, name, kind, bridge), _): Row| {
        let links = match (kind.as_str(), bridge) {
            ("Isolated", _) => vec![names::network(id), names::bridge(id)],
            (_, bridge) => bridge.into_iter().collect(),
        };
        Network { id, name, links }
    };
    Ok(rows.into_iter().filter(is_open).map(network).collect())
}

/// The one network that an interface is in. Error: why there is none.
fn place<'a>(
    card: &SeenNic,
    networks: &'a [Network],
    taken: &[String],
) -> Result<&'a Network, String> {
    let stays = |why: String| {
        Err(format!("{why}; it stays with the domain and is no interface of the instance"))
    };
    let Some(link) = &card.link else {
        return stays(format!("it is of type {} and plugged into nothing", card.kind));
    };
    if taken.contains(&card.mac) {
        return stays("another instance has this MAC address".to_owned());
    }
    let found: Vec<&Network> = networks.iter().filter(|it| it.links.contains(link)).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => stays(format!("{link} is no network of its owner in this zone")),
        many => {
            let names: Vec<&str> = many.iter().map(|it| it.name.as_str()).collect();
            stays(format!("{link} is of several networks: {}", names.join(", ")))
        }
    }
}

/// They are the instance's from now on; whoever adopts it charges its owner. The row of the instance is there.
pub fn hold(tx: &mut Tx<'_>, instance: Id<id::Vm>, parts: &Parts) -> Result<()> {
    vm::set_adopted(tx, instance)?;
    for volume in &parts.volumes {
        volume::insert(tx, volume)?;
    }
    nic::insert(tx, &parts.nics)?;
    usage::begin_volumes(tx, instance)?;
    usage::begin_addresses(tx, instance)
}
