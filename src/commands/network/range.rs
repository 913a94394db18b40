//! Which range of addresses a network gets.

use crate::{
    domain::net::Cidr,
    error::{Error, Result},
};
use std::net::Ipv4Addr;

/// The addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    /// The whole range.
    pub(super) cidr: Cidr,
    /// Its gateway.
    pub(super) gateway: Ipv4Addr,
    /// The first and last address for instances, when only a part of the range is theirs.
    pub(super) part: Option<(Ipv4Addr, Ipv4Addr)>,
}

/// What a request says of the addresses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given<'a> {
    /// `gateway`.
    pub(super) gateway: Option<&'a str>,
    /// `netmask`.
    pub(super) netmask: Option<&'a str>,
    /// `startip`.
    pub(super) start: Option<&'a str>,
    /// `endip`.
    pub(super) end: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// What is not empty of these.
    pub(super) fn new(parts: [&'a Option<String>; 4]) -> Self {
        let [gateway, netmask, start, end] =
            parts.map(|part| part.as_deref().filter(|text| !text.is_empty()));
        Self { gateway, netmask, start, end }
    }

    /// The range that is described, if one is.
    pub(super) fn range(&self) -> Result<Option<Range>> {
        let (gateway, netmask) = match (self.gateway, self.netmask) {
            (Some(gateway), Some(netmask)) => (gateway, netmask),
            (None, None) if self.start.is_none() && self.end.is_none() => return Ok(None),
            _ => return Err(Error::invalid("gateway and netmask are needed together")),
        };
        let (gateway, netmask) = (address("gateway", gateway)?, address("netmask", netmask)?);
        let cidr = Cidr::with_netmask(gateway, netmask)
            .filter(|cidr| (8..=30).contains(&cidr.prefix()))
            .ok_or_else(|| {
                Error::Invalid(format!("netmask {netmask} makes no network for instances"))
            })?;
        if !cidr.has_host(gateway) {
            return Err(Error::Invalid(format!("gateway {gateway} is no address of {cidr}")));
        }
        Ok(Some(Range { cidr, gateway, part: self.part(cidr)? }))
    }

    fn part(&self, cidr: Cidr) -> Result<Option<(Ipv4Addr, Ipv4Addr)>> {
        let (start, end) = match (self.start, self.end) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(Error::invalid("endip needs startip")),
            (Some(start), end) => (address("startip", start)?, end),
        };
        let end = end.map_or(Ok(start), |end| address("endip", end))?;
        for (what, address) in [("startip", start), ("endip", end)] {
            if !cidr.has_host(address) {
                return Err(Error::Invalid(format!("{what} {address} is no address of {cidr}")));
            }
        }
        if end < start {
            return Err(Error::Invalid(format!("endip {end} comes before startip {start}")));
        }
        Ok(Some((start, end)))
    }
}

fn address(what: &str, text: &str) -> Result<Ipv4Addr> {
    text.parse().map_err(|_| Error::Invalid(format!("{what}: {text} is no IPv4 address")))
}

/// The next free /24 of the zone's range; when that is used up, of the private addresses after it. libvirt refuses two
/// equal ones on one host, so no two networks of a zone overlap.
pub(super) fn next(zone: Cidr, used: &[Cidr]) -> Result<Range> {
    let is_free = |piece: &Cidr| !used.iter().any(|other| other.overlaps(*piece));
    let prefix = zone.prefix().max(24);
    let block = zone.private_block().unwrap_or(zone);
    let after = block.pieces(prefix).skip_while(|piece| piece.network() <= zone.broadcast());
    let cidr = zone.pieces(prefix).chain(after).find(is_free);
    let cidr = cidr.ok_or_else(|| {
        Error::Capacity(format!(
            "no network of {zone} is left, nor of {block}: delete one or give gateway and netmask"
        ))
    })?;
    let gateway = cidr.nth(1).ok_or_else(|| Error::internal("a range without addresses"))?;
    Ok(Range { cidr, gateway, part: None })
}

/// Refuses a range that another network of the zone has.
pub(super) fn refuse_overlap(range: &Range, used: &[Cidr]) -> Result<()> {
    match used.iter().any(|other| other.overlaps(range.cidr)) {
        false => Ok(()),
        true => Err(Error::Invalid(format!(
            "The network {} overlaps another network of this zone: hosts cannot tell them apart",
            range.cidr
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_range_is_the_first_that_is_free() {
        let zone = net("10.1.1.0/24");
        let first = next(zone, &[]).unwrap();
        assert_eq!((first.cidr, first.gateway.to_string()), (zone, "10.1.1.1".to_owned()));
        assert_eq!(next(zone, &[zone]).unwrap().cidr, net("10.1.2.0/24"));
        let used = [zone, net("10.1.2.0/23")];
        assert_eq!(next(zone, &used).unwrap().cidr, net("10.1.4.0/24"));
        let wide = net("192.168.0.0/16");
        assert!(next(wide, &[wide]).is_err());
    }

    #[test]
    fn half_a_description_is_refused() {
        let given = |gateway, netmask, start, end| Given { gateway, netmask, start, end }.range();
        let mask = Some("255.255.255.0");
        assert_eq!(given(None, None, None, None).unwrap(), None);
        assert!(given(Some("10.0.0.1"), None, None, None).is_err());
        assert!(given(Some("10.0.0.0"), mask, None, None).is_err());
        assert!(given(Some("10.0.0.1"), Some("255.0.255.0"), None, None).is_err());
        assert!(given(Some("10.0.0.1"), mask, Some("10.0.1.5"), None).is_err());
        assert!(given(Some("10.0.0.1"), mask, Some("10.0.0.9"), Some("10.0.0.5")).is_err());
        let range = given(Some("10.0.0.1"), mask, Some("10.0.0.5"), None).unwrap().unwrap();
        assert_eq!(range.part.unwrap().1.to_string(), "10.0.0.5");
    }
}
