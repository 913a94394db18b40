//! IPv4 networks: read, print, cut into pieces.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// An IPv4 network: `10.1.1.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    first: u32,
    prefix: u8,
}

impl Cidr {
    /// The network of this prefix length that holds the address; `None` when the length is more than 32.
    pub fn around(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        (prefix <= 32).then(|| Self { first: u32::from(address) & mask(prefix), prefix })
    }

    /// The network that holds the address under a netmask; `None` when the mask has holes.
    pub fn with_netmask(address: Ipv4Addr, netmask: Ipv4Addr) -> Option<Self> {
        let bits = u32::from(netmask);
        let prefix = bits.leading_ones();
        if prefix + bits.trailing_zeros() < 32 {
            return None;
        }
        Self::around(address, u8::try_from(prefix).ok()?)
    }

    /// Its prefix length.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Its netmask.
    pub fn netmask(self) -> Ipv4Addr {
        Ipv4Addr::from(mask(self.prefix))
    }

    /// Its first address, which names it.
    pub fn network(self) -> Ipv4Addr {
        Ipv4Addr::from(self.first)
    }

    /// Its last address.
    pub fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from(self.last())
    }

    fn last(self) -> u32 {
        self.first | !mask(self.prefix)
    }

    /// The n-th address after the first; `None` outside.
    pub fn nth(self, n: u32) -> Option<Ipv4Addr> {
        self.first.checked_add(n).filter(|address| *address <= self.last()).map(Ipv4Addr::from)
    }

    /// Whether an interface may have this address: inside, neither the first nor the last.
    pub fn has_host(self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        address > self.first && address < self.last()
    }

    /// Whether both have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }

    /// The addresses that interfaces may have.
    pub fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first.saturating_add(1)..self.last()).map(Ipv4Addr::from)
    }

    /// Itself cut into networks of this prefix length, in order; itself when it is smaller.
    pub fn pieces(self, prefix: u8) -> impl Iterator<Item = Self> {
        let prefix = prefix.clamp(self.prefix, 32);
        let step = 1_u64 << (32 - prefix);
        (0..1_u64 << (prefix - self.prefix)).map(move |index| {
            let first = u64::from(self.first) + index * step;
            Self { first: u32::try_from(first).unwrap_or(u32::MAX), prefix }
        })
    }

    /// The block of private addresses (10/8, 172.16/12, 192.168/16) that it lies in.
    pub fn private_block(self) -> Option<Self> {
        [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)]
            .into_iter()
            .filter_map(|(address, prefix)| Self::around(address.into(), prefix))
            .find(|block| block.prefix <= self.prefix && block.overlaps(self))
    }
}

/// A server's address; `what` is the parameter that names it.
pub fn server(what: &str, text: &str) -> Result<(), String> {
    text.parse::<IpAddr>().map(drop).map_err(|_| format!("{what}: {text} is no IP address"))
}

/// Where guests' networks are cut from, as it is stored.
pub fn guest_cidr(text: &str) -> Result<String, String> {
    let cidr: Cidr = text.parse()?;
    if cidr.prefix() > 30 {
        return Err(format!("guestcidraddress {text} has no room for instances"));
    }
    Ok(cidr.to_string())
}

const fn mask(prefix: u8) -> u32 {
    if prefix == 0 { 0 } else { u32::MAX << (32 - prefix as u32) }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text} is no IPv4 network: write it as 10.1.1.0/24");
        let (address, prefix) = text.split_once('/').ok_or_else(bad)?;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
        Self::around(address, prefix.parse().map_err(|_| bad())?).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_and_printed() {
        assert_eq!(net("10.1.1.7/24").to_string(), "10.1.1.0/24");
        assert_eq!(net("10.1.0.0/21").netmask().to_string(), "255.255.248.0");
        for text in ["", "10.1.1.0", "10.1.1.0/33", "10.1.1.0/", "10.1.1/24", "10.1.1.0/+4", "::/0"]
        {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_netmask_has_no_holes() {
        let at = Ipv4Addr::new(10, 1, 1, 1);
        assert_eq!(Cidr::with_netmask(at, [255, 255, 255, 0].into()), Some(net("10.1.1.0/24")));
        assert_eq!(Cidr::with_netmask(at, [0, 0, 0, 0].into()), Some(net("0.0.0.0/0")));
        assert_eq!(Cidr::with_netmask(at, [255, 0, 255, 0].into()), None);
    }

    #[test]
    fn pieces_come_in_order_and_stay_inside() {
        let pieces: Vec<String> =
            net("10.1.0.0/22").pieces(24).map(|piece| piece.to_string()).collect();
        assert_eq!(pieces, ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"]);
        assert_eq!(net("10.1.1.0/25").pieces(24).count(), 1);
        assert_eq!(net("0.0.0.0/0").pieces(1).count(), 2);
    }

    #[test]
    fn the_edges_are_no_hosts() {
        let net = net("10.1.1.0/30");
        let hosts: Vec<String> = net.hosts().map(|host| host.to_string()).collect();
        assert_eq!(hosts, ["10.1.1.1", "10.1.1.2"]);
        assert!(!net.has_host([10, 1, 1, 3].into()) && !net.has_host([10, 1, 2, 1].into()));
        assert!(net.overlaps("10.1.0.0/16".parse().unwrap()));
        assert_eq!(net.private_block().unwrap().to_string(), "10.0.0.0/8");
    }
}
