//! The interfaces of a new instance: which networks, which addresses.
//!
//! An address nobody asked for is drawn at random and held by a unique key, so that a deploy need not read what is taken;
//! only when the draw hits one that is, the free ones are looked for.

use super::deploy::Request;
use crate::{
    command::prelude::*,
    commands::network::first,
    domain::net::Cidr,
    store::{
        deploy::{self, Net},
        lookup,
        network::Network,
        nic,
        owner::{self, Owner},
        seed,
    },
};
use std::{collections::HashSet, net::Ipv4Addr};

/// An interface that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// What it is plugged into.
    net: Net,
    /// The address that was asked for.
    ip: Option<Ipv4Addr>,
    /// The MAC address that was asked for.
    mac: Option<String>,
    /// The network, when it is to be made with the instance.
    new: Option<Network>,
}

/// The interfaces that a request asks for, the default one first.
pub(super) fn wishes(
    tx: &mut Tx<'_>,
    caller: &Caller,
    owner: Owner,
    request: &Request,
) -> Result<Vec<Wish>> {
    let mut asked = records(tx, caller, request)?;
    if !asked.is_empty() && !request.network_ids.is_empty() {
        return Err(Error::invalid(
            "ipToNetworkMap can't be specified along with networkIds or ipAddress",
        ));
    }
    asked.extend(request.network_ids.iter().map(|id| (*id, None, None)));
    let mut seen = HashSet::new();
    if !asked.iter().all(|(id, ..)| seen.insert(*id)) {
        return Err(Error::invalid("an instance is plugged into each network once"));
    }
    let (nets, mut new) = match asked.is_empty() {
        true => {
            let (net, new) = usual(tx, owner, request)?;
            (vec![net], new)
        }
        false => {
            let ids: Vec<_> = asked.iter().map(|(id, ..)| *id).collect();
            (deploy::networks(tx, &ids)?, None)
        }
    };
    if asked.is_empty() {
        asked.extend(nets.iter().map(|net| (net.id, None, None)));
    }
    if let Some(first) = asked.first_mut() {
        first.1 = first.1.or(request.ip_address.as_deref().map(address).transpose()?);
        if let Some(mac) = &request.mac_address {
            first.2 = Some(mac_address(mac)?);
        }
    }
    if !caller.is_admin() {
        for net in &nets {
            check_access(tx, net, owner)?;
        }
    }
    nets.into_iter()
        .zip(asked)
        .map(|(net, (_, ip, mac))| {
            check(&net, ip, owner, request)?;
            Ok(Wish { net, ip, mac, new: new.take() })
        })
        .collect()
}

type Asked = (Id<id::Network>, Option<Ipv4Addr>, Option<String>);

/// `iptonetworklist[i].networkid/.ip/.mac`; the kernel does not look inside maps, so the ids are looked up here.
fn records(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for record in &request.ip_to_network_list {
        let word = |name: &str| {
            let found = record.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let text = word("networkid")
            .ok_or_else(|| Error::invalid("iptonetworklist: every entry needs a networkid"))?;
        if word("ipv6").is_some() {
            return Err(Error::invalid("iptonetworklist: networks have no IPv6 addresses"));
        }
        let id = text.parse().map_err(|_| unknown(text))?;
        let mac = word("mac").map(mac_address).transpose()?;
        asked.push((id, word("ip").map(address).transpose()?, mac));
    }
    if asked.is_empty() {
        return Ok(asked);
    }
    let wanted: Vec<_> = asked.iter().map(|(id, ..): &Asked| (Kind::Network, id.uuid())).collect();
    let found = lookup::visible(tx, caller, &wanted)?.ids;
    match wanted.iter().find(|key| !found.contains(key)) {
        None => Ok(asked),
        Some((_, id)) => Err(unknown(&id.to_string())),
    }
}

fn unknown(id: &str) -> Error {
    Error::Invalid(format!("Unable to find network by id {id}"))
}

/// The network of an owner who named none: the only one that can be meant; the first one, which is to be made, when
/// there is none.
fn usual(tx: &mut Tx<'_>, owner: Owner, request: &Request) -> Result<(Net, Option<Network>)> {
    let zone = request.zone_id;
    if let Some(net) = only(deploy::usual_networks(tx, zone, owner)?)? {
        return Ok((net, None));
    }
    let planned = first::plan(tx, owner, zone)?;
    // the zone is held now: another deploy of the owner may have been first
    match (only(deploy::usual_networks(tx, zone, owner)?)?, planned) {
        (Some(net), _) => Ok((net, None)),
        (None, Some(new)) => Ok(((&new).into(), Some(new))),
        (None, None) => Err(Error::invalid(
            "there is no network to plug the instance into: create one and name it in networkids",
        )),
    }
}

fn only(mut nets: Vec<Net>) -> Result<Option<Net>> {
    match (nets.pop(), nets.len()) {
        (None, _) => Ok(None),
        (net, 0) => Ok(net),
        (Some(_), others) => Err(Error::Invalid(format!(
            "{} networks can be used: name one or more of them in networkids",
            others + 1
        ))),
    }
}

fn address(text: &str) -> Result<Ipv4Addr> {
    text.parse().map_err(|_| Error::Invalid(format!("{text} is no IPv4 address")))
}

/// A MAC address of one interface: six pairs of digits, not a group's.
fn mac_address(text: &str) -> Result<String> {
    let pairs: Vec<&str> = text.split(':').collect();
    let is_pair =
        |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    let first = pairs.first().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    if pairs.len() == 6 && pairs.iter().all(is_pair) && first.is_some_and(|byte| byte & 1 == 0) {
        return Ok(text.to_lowercase());
    }
    Err(Error::Invalid(format!("Mac address is not valid: {text}")))
}

/// The owner may be plugged into the network: its own one, or one for everyone in the owner's domain.
fn check_access(tx: &mut Tx<'_>, net: &Net, owner: Owner) -> Result<()> {
    let is_everywhere = net.domain_id == seed::ROOT_DOMAIN || net.domain_id == owner.domain;
    let may = match net.acl_type.as_str() {
        "Domain" => is_everywhere || owner::covers(tx, net.domain_id, owner.domain)?,
        _ => net.account_id == owner.account,
    };
    match may {
        true => Ok(()),
        false => Err(Error::Invalid(format!("network {} belongs to another account", net.name))),
    }
}

fn check(net: &Net, ip: Option<Ipv4Addr>, owner: Owner, request: &Request) -> Result<()> {
    let name = &net.name;
    if net.zone_id != request.zone_id {
        return Err(Error::Invalid(format!("network {name} is in another zone")));
    }
    if net.guest_type == "Isolated" && net.account_id != owner.account {
        return Err(Error::Invalid(format!("network {name} belongs to another account")));
    }
    let Some(ip) = ip else { return Ok(()) };
    match Range::of(net) {
        Some(range) if range.may_be(ip) => Ok(()),
        Some(_) => Err(Error::Invalid(format!("{ip} is no address that network {name} gives"))),
        None => Err(Error::Invalid(format!("network {name} gives no addresses"))),
    }
}

/// The addresses that a network gives.
struct Range {
    first: u32,
    last: u32,
    gateway: Option<Ipv4Addr>,
    cidr: Option<Cidr>,
}

impl Range {
    fn of(net: &Net) -> Option<Self> {
        let read = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        let cidr: Option<Cidr> = net.cidr.as_deref().and_then(|text| text.parse().ok());
        let edge = |end: Option<Ipv4Addr>| end.map(u32::from);
        let (start, end): (Option<Ipv4Addr>, Option<Ipv4Addr>) =
            (read(&net.start_ip), read(&net.end_ip));
        let first = edge(start).or_else(|| Some(u32::from(cidr?.network()) + 1))?;
        let last = edge(end)
            .or_else(|| edge(start).filter(|_| cidr.is_none()))
            .or_else(|| Some(u32::from(cidr?.broadcast()).saturating_sub(1)))?;
        (net.guest_type != "L2" && first <= last).then(|| Self {
            first,
            last,
            gateway: read(&net.gateway),
            cidr,
        })
    }

    fn may_be(&self, ip: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&u32::from(ip))
            && self.gateway != Some(ip)
            && self.cidr.is_none_or(|cidr| cidr.has_host(ip))
    }

    /// Any address of the range; the gateway's neighbour where the draw hits what cannot be given.
    fn draw(&self, random: u32) -> Option<Ipv4Addr> {
        let size = u64::from(self.last - self.first) + 1;
        let at = self.first + u32::try_from(u64::from(random) % size).unwrap_or_default();
        let after = (at..=self.last).chain(self.first..at).map(Ipv4Addr::from);
        after.take(8).find(|ip| self.may_be(*ip))
    }

    fn all(&self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first..=self.last).map(Ipv4Addr::from).filter(|ip| self.may_be(*ip))
    }
}

/// Gives the interfaces their addresses, in a network that is made now if it has to be.
pub(super) fn plug(
    tx: &mut Tx<'_>,
    caller: &Caller,
    vm: Id<id::Vm>,
    wishes: &[Wish],
) -> Result<()> {
    for new in wishes.iter().filter_map(|wish| wish.new.as_ref()) {
        first::make(tx, caller, new)?;
    }
    let row = |index: usize, wish: &Wish, ip: Option<Ipv4Addr>| -> Result<nic::New> {
        Ok(nic::New {
            id: Id::mint(),
            vm_id: vm,
            network_id: wish.net.id,
            mac: wish.mac.clone().map_or_else(random_mac, Ok)?,
            ip: ip.map(|ip| ip.to_string()),
            device_index: i32::try_from(index).unwrap_or_default(),
            is_default: index == 0,
        })
    };
    let mut rows = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        let drawn = match (wish.ip, Range::of(&wish.net)) {
            (Some(ip), _) => Some(ip),
            (None, Some(range)) => Some(range.draw(random()?).ok_or_else(|| full(&wish.net))?),
            (None, None) => None,
        };
        rows.push(row(index, wish, drawn)?);
    }
    match nic::insert(tx, &rows) {
        Err(Error::LostRace(_)) => {}
        other => return other,
    }
    let ids: Vec<_> = wishes.iter().map(|wish| wish.net.id).collect();
    let taken: HashSet<(Id<id::Network>, String)> = nic::taken(tx, &ids)?.into_iter().collect();
    let mut rows = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        let is_taken = |ip: &Ipv4Addr| taken.contains(&(wish.net.id, ip.to_string()));
        let ip = match (wish.ip, Range::of(&wish.net)) {
            (Some(ip), _) if is_taken(&ip) => {
                return Err(Error::Invalid(format!(
                    "The IP address {ip} is already in use in network {}",
                    wish.net.name
                )));
            }
            (Some(ip), _) => Some(ip),
            (None, Some(range)) => {
                Some(range.all().find(|ip| !is_taken(ip)).ok_or_else(|| full(&wish.net))?)
            }
            (None, None) => None,
        };
        rows.push(row(index, wish, ip)?);
    }
    match nic::insert(tx, &rows) {
        Err(Error::LostRace(_)) if wishes.iter().any(|wish| wish.mac.is_some()) => {
            Err(Error::invalid("The MAC address is already in use"))
        }
        other => other,
    }
}

fn full(net: &Net) -> Error {
    Error::Capacity(format!("network {} has no free address", net.name))
}

fn random() -> Result<u32> {
    getrandom::u32().map_err(|error| Error::internal(error.to_string()))
}

/// A MAC address of our own making: locally administered, forty random bits.
fn random_mac() -> Result<String> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    bytes[0] = 2;
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(pairs.join(":"))
}
