//! `createNetwork`: an isolated network for anyone; shared and L2 ones, which are bridges of the hosts, for
//! administrators.

use super::{
    not_here::CreateNotHere,
    range::{Given, Range, next, refuse_overlap},
    view::NetworkView,
};
use crate::{
    command::prelude::*,
    domain::{
        infra::{GuestType, NetworkType, Switch},
        net::Cidr,
    },
    store::{Window, network, network_offering, owner, physical_network, zone},
};

/// `createNetwork`.
#[derive(Debug)]
pub(super) struct CreateNetwork;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the VLAN of the network; only untagged is supported
    #[param(admin)]
    vlan: Option<String>,
    /// the name of the network
    name: String,
    /// the description of the network
    display_text: Option<String>,
    /// the ID of the network offering
    network_offering_id: Id<id::NetworkOffering>,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// the ID of the physical network that carries it
    physical_network_id: Option<Id<id::PhysicalNetwork>>,
    /// the gateway
    gateway: Option<String>,
    /// the netmask
    netmask: Option<String>,
    /// the first address for instances
    start_ip: Option<String>,
    /// the last address for instances
    end_ip: Option<String>,
    /// the domain of host names
    network_domain: Option<String>,
    /// who may use a shared network: account or domain
    acl_type: Option<String>,
    /// the account that will own the network
    account: Option<String>,
    /// the ID of the domain of that account
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that will own it
    project_id: Option<Id<id::Project>>,
    #[param(group)]
    _not_here: CreateNotHere,
}

impl Command for CreateNetwork {
    const SPEC: Spec = Spec {
        name: "createNetwork",
        about: "Creates a network",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("NETWORK.CREATE"),
    };
    type Request = Request;
    type Response = One<NetworkView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let view = cx
            .write(move |tx, caller| {
                let new = plan(tx, caller, &request)?;
                network::insert(tx, &new)?;
                let view = NetworkView::from(network::named(tx, new.id)?);
                Ok((Some((Kind::Network, new.id.uuid())), view))
            })
            .await?;
        Ok(One(view))
    }
}

fn plan(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<network::Network> {
    let wanted = (request.account.as_deref(), request.domain_id, request.project_id);
    let owner = owner::designate(tx, caller, wanted)?;
    let offering = network_offering::get(tx, request.network_offering_id)?;
    if offering.state != "Enabled" {
        return Err(Error::Invalid(format!("network offering {} is not enabled", offering.name)));
    }
    let kind = offering.guest_type;
    if kind != GuestType::Isolated && !caller.is_admin() {
        return Err(Error::Forbidden(format!("only root admins may create {kind} networks")));
    }
    // held, so that no two networks get one range
    let zone = zone::hold(tx, request.zone_id)?;
    if zone.allocation_state == Switch::Disabled && !caller.is_admin() {
        return Err(Error::Forbidden(format!(
            "Cannot perform this operation, Zone is currently disabled: {}",
            zone.name
        )));
    }
    if zone.network_type == NetworkType::Basic && kind == GuestType::Isolated {
        return Err(Error::Invalid(format!(
            "zone {} is Basic: it has no isolated networks",
            zone.name
        )));
    }
    let range = range(tx, request, &zone, kind)?;
    let carrier = if kind == GuestType::Isolated { None } else { Some(carrier(tx, request)?) };
    let name = request.name.trim();
    if name.is_empty() {
        return Err(Error::invalid("the network needs a name"));
    }
    let text = |address: std::net::Ipv4Addr| address.to_string();
    let part = range.as_ref().and_then(|range| range.part);
    Ok(network::Network {
        id: Id::mint(),
        account_id: owner.account,
        domain_id: owner.domain,
        zone_id: zone.id,
        offering_id: offering.id,
        physical_network_id: carrier.as_ref().map(|(physical, _)| *physical),
        name: name.to_owned(),
        display_text: request.display_text.clone().unwrap_or_else(|| name.to_owned()),
        guest_type: kind,
        acl_type: acl(request, kind)?,
        cidr: range.as_ref().map(|range| range.cidr.to_string()),
        gateway: range.as_ref().map(|range| text(range.gateway)),
        netmask: range.as_ref().map(|range| text(range.cidr.netmask())),
        start_ip: part.map(|(start, _)| text(start)),
        end_ip: part.map(|(_, end)| text(end)),
        vlan: carrier.is_some().then(|| "untagged".to_owned()),
        bridge: carrier.map(|(_, bridge)| bridge),
        network_domain: network_domain(request, &zone)?,
        state: if kind == GuestType::Isolated { "Allocated" } else { "Setup" }.to_owned(),
    })
}

fn range(
    tx: &mut Tx<'_>,
    request: &Request,
    zone: &zone::Zone,
    kind: GuestType,
) -> Result<Option<Range>> {
    let parts = [&request.gateway, &request.netmask, &request.start_ip, &request.end_ip];
    let given = Given::new(parts).range()?;
    if kind == GuestType::L2 {
        return match given {
            None => Ok(None),
            Some(_) => {
                Err(Error::invalid("an L2 network has no addresses: leave gateway and netmask out"))
            }
        };
    }
    let used = network::ranges(tx, zone.id)?;
    match given {
        Some(range) => {
            refuse_overlap(&range, &used)?;
            if kind == GuestType::Shared && range.part.is_none() {
                return Err(Error::invalid(
                    "StartIp/endIp/gateway/netmask are required when create network of type Shared",
                ));
            }
            Ok(Some(range))
        }
        None if kind == GuestType::Shared => Err(Error::invalid(
            "StartIp/endIp/gateway/netmask are required when create network of type Shared",
        )),
        None => {
            let cidr = zone.guest_cidr.as_deref().unwrap_or("10.1.1.0/24");
            let cidr: Cidr = cidr.parse().map_err(Error::internal)?;
            Ok(Some(next(cidr, &used)?))
        }
    }
}

/// The physical network and the bridge of the hosts that carry a shared or L2 network.
fn carrier(tx: &mut Tx<'_>, request: &Request) -> Result<(Id<id::PhysicalNetwork>, String)> {
    let vlan = request.vlan.as_deref().filter(|vlan| !vlan.is_empty());
    let vlan = vlan.map(|vlan| vlan.strip_prefix("vlan://").unwrap_or(vlan));
    if let Some(vlan) = vlan.filter(|vlan| !vlan.eq_ignore_ascii_case("untagged")) {
        return Err(Error::Invalid(format!(
            "vlan {vlan} is not supported: a shared network is a bridge that the hosts have already, untagged"
        )));
    }
    let filter = physical_network::Filter {
        id: request.physical_network_id,
        zone: Some(request.zone_id),
        name: None,
    };
    for (physical, _) in physical_network::list(tx, &filter, &Window::ALL)?.1 {
        let traffic = physical_network::traffic(tx, physical.id)?;
        let label = traffic.into_iter().find(|traffic| traffic.kind == "Guest");
        match label.and_then(|traffic| traffic.label) {
            Some(bridge) if physical.state == Switch::Enabled => return Ok((physical.id, bridge)),
            _ => {}
        }
    }
    Err(Error::invalid(
        "no enabled physical network of the zone names a bridge of the hosts: give its guest traffic type a kvmnetworklabel",
    ))
}

fn acl(request: &Request, kind: GuestType) -> Result<String> {
    let wanted = request.acl_type.as_deref().filter(|text| !text.is_empty());
    match (kind, wanted) {
        (GuestType::Shared, None) => Ok("Domain".to_owned()),
        (_, None) => Ok("Account".to_owned()),
        (_, Some(word)) if word.eq_ignore_ascii_case("account") => Ok("Account".to_owned()),
        (GuestType::Shared, Some(word)) if word.eq_ignore_ascii_case("domain") => {
            Ok("Domain".to_owned())
        }
        (_, Some(word)) => Err(Error::Invalid(format!(
            "acltype {word} is not possible for a network of type {kind}"
        ))),
    }
}

fn network_domain(request: &Request, zone: &zone::Zone) -> Result<Option<String>> {
    let wanted = request.network_domain.as_deref().filter(|text| !text.is_empty());
    let Some(name) = wanted else { return Ok(zone.network_domain.clone()) };
    check_domain(name)?;
    Ok(Some(name.to_owned()))
}

/// A domain of host names: labels of letters, digits and hyphens.
pub(super) fn check_domain(name: &str) -> Result<()> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if name.len() <= 190 && name.split('.').all(label) {
        return Ok(());
    }
    Err(Error::invalid(
        "Invalid network domain. Total length shouldn't exceed 190 chars. Each domain label must be between 1 and 63 characters long, can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'); can't start or end with \"-\"",
    ))
}
