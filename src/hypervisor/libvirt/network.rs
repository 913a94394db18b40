//! NAT networks with fixed addresses.

use super::{
    fault::{Fault, is, unless_missing},
    line::Session,
    xml,
};
use crate::domain::machine::NewNetwork;
use virt::{error::ErrorNumber, network::Network, sys};

fn find(session: &Session, name: &str) -> Result<Option<Network>, Fault> {
    unless_missing(session.connect.lookup_network_by_name(name), ErrorNumber::NoNetwork)
}

/// The network exists, runs, and has exactly these entries. Guests on it notice nothing of an update.
pub(super) fn ensure(session: &Session, new: &NewNetwork) -> Result<(), Fault> {
    let network = match find(session, &new.name)? {
        Some(network) => network,
        None => session.connect.define_network_xml(&xml::network(new))?,
    };
    let (gateways, leases) = xml::read_leases(&network.xml_desc(0)?).map_err(Fault::Strange)?;
    if !gateways.contains(&new.gateway.to_string()) {
        return Err(Fault::Refused(format!(
            "network {} is there with gateway {} instead of {}",
            new.name,
            gateways.join(", "),
            new.gateway
        )));
    }
    if !network.is_active()? {
        network.create()?;
    }
    let _ = network.set_autostart(true); // without it the network comes back with its first instance
    let wanted: Vec<xml::Lease> = new
        .leases
        .iter()
        .map(|(mac, address, name)| (mac.to_lowercase(), *address, name.clone()))
        .collect();
    for entry in leases.iter().filter(|entry| !wanted.contains(entry)) {
        update(&network, sys::VIR_NETWORK_UPDATE_COMMAND_DELETE, entry)?;
    }
    for entry in wanted.iter().filter(|entry| !leases.contains(entry)) {
        update(&network, sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, entry)?;
    }
    Ok(())
}

fn update(
    network: &Network,
    command: sys::virNetworkUpdateCommand,
    entry: &xml::Lease,
) -> Result<(), Fault> {
    let both = sys::VIR_NETWORK_UPDATE_AFFECT_LIVE | sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG;
    let section = sys::VIR_NETWORK_SECTION_IP_DHCP_HOST;
    network.update(command, section, -1, &xml::lease(entry), both)?;
    Ok(())
}

/// The network is neither running nor defined.
pub(super) fn ensure_none(session: &Session, name: &str) -> Result<(), Fault> {
    let Some(network) = find(session, name)? else { return Ok(()) };
    if network.is_active()? {
        match network.destroy() {
            Err(error) if is(&error, ErrorNumber::NoNetwork) => return Ok(()),
            Err(error) if !is(&error, ErrorNumber::OperationInvalid) => return Err(error.into()),
            _ => {}
        }
    }
    unless_missing(network.undefine(), ErrorNumber::NoNetwork)?;
    Ok(())
}
