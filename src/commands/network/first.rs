//! The network of an owner who has none yet: `ACCOUNT-network`, made with the first instance, as CloudStack does it in
//! Advanced zones.

use super::range::next;
use crate::{
    command::prelude::*,
    domain::{
        infra::{GuestType, NetworkType, Switch},
        net::Cidr,
    },
    store::{
        Window, event, network,
        network_offering::{self, NetworkOffering},
        owner::{self, Owner},
        zone,
    },
};

/// The network that this owner is to get; the zone is held, so that nobody else gets its range. None: the zone has no
/// networks of accounts, or no offering makes one.
pub fn plan(tx: &mut Tx<'_>, owner: Owner, zone: Id<id::Zone>) -> Result<Option<network::Network>> {
    let zone = zone::hold(tx, zone)?;
    let open = zone.allocation_state == Switch::Enabled;
    if zone.network_type == NetworkType::Basic || !open {
        return Ok(None);
    }
    let Some(offering) = usual_offering(tx)? else { return Ok(None) };
    let cidr = zone.guest_cidr.as_deref().unwrap_or("10.1.1.0/24");
    let cidr: Cidr = cidr.parse().map_err(Error::internal)?;
    let range = next(cidr, &network::ranges(tx, zone.id)?)?;
    let name = format!("{}-network", owner::name_of(tx, owner.account)?);
    Ok(Some(network::Network {
        id: Id::mint(),
        account_id: owner.account,
        domain_id: owner.domain,
        zone_id: zone.id,
        offering_id: offering.id,
        physical_network_id: None,
        display_text: name.clone(),
        name,
        guest_type: GuestType::Isolated,
        acl_type: "Account".to_owned(),
        cidr: Some(range.cidr.to_string()),
        gateway: Some(range.gateway.to_string()),
        netmask: Some(range.cidr.netmask().to_string()),
        start_ip: None,
        end_ip: None,
        vlan: None,
        bridge: None,
        network_domain: zone.network_domain,
        state: "Allocated".to_owned(),
    }))
}

/// The offering that every cloud has for isolated networks, unless it is disabled.
fn usual_offering(conn: &mut Conn) -> Result<Option<NetworkOffering>> {
    let filter = network_offering::Filter {
        state: Some("Enabled".to_owned()),
        guest_type: Some(GuestType::Isolated.to_string()),
        is_default: Some(true),
        ..Default::default()
    };
    let (_, found) = network_offering::list(conn, &filter, &Window::ALL)?;
    Ok(found.into_iter().next().map(|(offering, _)| offering))
}

/// Makes it, in the transaction that planned it. Error: limit.
pub fn make(tx: &mut Tx<'_>, caller: &Caller, new: &network::Network) -> Result<()> {
    network::insert(tx, new)?;
    let text = format!("Creates network {} for an instance", new.name);
    let subject = Some((Kind::Network, new.id.uuid()));
    event::record(tx, caller, &event::New::done("NETWORK.CREATE", &text, subject))
}
