//! `<network>`: a NAT network whose addresses we hand out, each as a static DHCP entry.

use super::{read, writer::Xml};
use crate::domain::machine::NewNetwork;
use serde::Deserialize;
use std::net::Ipv4Addr;

/// One static entry: MAC, address, host name.
pub(in crate::hypervisor::libvirt) type Lease = (String, Ipv4Addr, String);

/// The definition of a network with all its entries.
pub(in crate::hypervisor::libvirt) fn network(network: &NewNetwork) -> String {
    Xml::document("network", &[], |x| {
        x.text("name", &[], &network.name);
        x.leaf("forward", &[("mode", "nat")]);
        x.leaf("bridge", &[("name", &network.bridge), ("stp", "on"), ("delay", "0")]);
        let (gateway, prefix) = (network.gateway.to_string(), network.prefix.to_string());
        x.nest("ip", &[("address", &gateway), ("prefix", &prefix)], |x| {
            x.nest("dhcp", &[], |x| network.leases.iter().for_each(|entry| host(x, entry)));
        });
    })
}

/// One entry alone, as an update names it.
pub(in crate::hypervisor::libvirt) fn lease(entry: &Lease) -> String {
    let (mac, address, name) = entry;
    Xml::document("host", &[("mac", mac), ("name", name), ("ip", &address.to_string())], |_| {})
}

fn host(x: &mut Xml, (mac, address, name): &Lease) {
    x.leaf("host", &[("mac", mac), ("name", name), ("ip", &address.to_string())]);
}

#[derive(Deserialize)]
struct NetworkXml {
    #[serde(default)]
    ip: Vec<IpXml>,
}
#[derive(Deserialize)]
struct IpXml {
    #[serde(rename = "@address")]
    address: Option<String>,
    dhcp: Option<DhcpXml>,
}
#[derive(Deserialize)]
struct DhcpXml {
    #[serde(default)]
    host: Vec<HostXml>,
}
#[derive(Deserialize)]
struct HostXml {
    #[serde(rename = "@mac")]
    mac: Option<String>,
    #[serde(rename = "@ip")]
    ip: Option<Ipv4Addr>,
    #[serde(rename = "@name")]
    name: Option<String>,
}

/// The gateways and the static entries of a network that exists.
pub(in crate::hypervisor::libvirt) fn read_leases(
    text: &str,
) -> Result<(Vec<String>, Vec<Lease>), String> {
    let network: NetworkXml = read("network", text)?;
    let gateways = network.ip.iter().filter_map(|ip| ip.address.clone()).collect();
    let hosts = network.ip.into_iter().filter_map(|ip| ip.dhcp).flat_map(|dhcp| dhcp.host);
    let leases = hosts.filter_map(|host| {
        Some((host.mac?.to_lowercase(), host.ip?, host.name.unwrap_or_default()))
    });
    Ok((gateways, leases.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let new = NewNetwork {
            name: "csgpu-7".into(),
            bridge: "csg7".into(),
            gateway: "10.1.1.1".parse().unwrap(),
            prefix: 24,
            leases: vec![("52:54:00:00:00:33".into(), "10.1.1.5".parse().unwrap(), "web".into())],
        };
        let xml = network(&new);
        super::super::golden("network_nat.xml", &xml);
        let (gateways, leases) = read_leases(&xml).unwrap();
        assert_eq!((gateways, leases), (vec!["10.1.1.1".to_owned()], new.leases));
    }
}
