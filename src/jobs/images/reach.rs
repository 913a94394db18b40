//! Which addresses the service fetches from: for users, public ones, since a user's template must not read what only the
//! service can reach. Root administrators may name any address; but what it leads on to they did not name, so that is
//! public or of a private network, never this machine or what is beside it on the link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Resolves names as usual and keeps only addresses that may be reached; asked again for every redirection, and its
/// answer is what is connected to.
#[derive(Debug)]
pub(super) struct Reach {
    resolver: DefaultResolver,
    /// The host that a root administrator named, with its port.
    named: Option<String>,
}

impl Reach {
    /// For users.
    pub(super) fn public() -> Self {
        Self { resolver: DefaultResolver::default(), named: None }
    }

    /// For root administrators who named this URL.
    pub(super) fn from(url: &str) -> Self {
        let uri: Option<Uri> = url.parse().ok();
        let named = uri.as_ref().and_then(place);
        // what cannot be read names nothing
        Self { resolver: DefaultResolver::default(), named: Some(named.unwrap_or_default()) }
    }

    fn may_reach(&self, uri: &Uri, ip: IpAddr) -> bool {
        match &self.named {
            None => is_public(ip),
            Some(named) if place(uri).is_some_and(|place| place == *named) => true,
            Some(_) => is_public(ip) || is_private(ip),
        }
    }
}

/// Host and port of a URL.
fn place(uri: &Uri) -> Option<String> {
    let port = uri.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    uri.host().map(|host| host.to_ascii_lowercase() + &port)
}

/// Whether an address belongs to somebody's own network.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(inside) => inside.is_private(),
            None => ip.segments()[0] & 0xfe00 == 0xfc00,
        },
    }
}

impl Resolver for Reach {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        for address in found.iter().filter(|address| self.may_reach(uri, address.ip())) {
            kept.push(*address);
        }
        if kept.is_empty() {
            let text = match self.named {
                None => "this address is not public: only root admins may register from it",
                Some(_) => "it leads to an address of this machine or its link, which nobody named",
            };
            return Err(Error::Io(std::io::Error::other(text)));
        }
        Ok(kept)
    }
}

/// Whether an address belongs to the internet at large.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && ip.octets()[2] == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inside) = ip.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    let first = ip.segments()[0];
    // 64:ff9b::/96 and 2002::/16 carry IPv4 addresses inside
    let translated = first == 0x64 || first == 0x2002;
    first & 0xe000 == 0x2000 && !translated && !(first == 0x2001 && ip.segments()[1] < 0x200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_named_address_leads_to_is_not_this_machine() {
        let reach = Reach::from("http://Mirror.example:81/x");
        let may = |uri: &str, ip: &str| reach.may_reach(&uri.parse().unwrap(), ip.parse().unwrap());
        assert!(may("http://mirror.example:81/y", "127.0.0.1"));
        assert!(may("http://other/", "10.0.0.1") && may("http://other/", "93.184.216.34"));
        for ip in ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "::ffff:127.0.0.1"]
        {
            assert!(!may("http://other/", ip) && !may("http://mirror.example/", ip), "{ip}");
        }
        assert!(Reach::from("nonsense url").named.is_some());
    }

    #[test]
    fn what_only_the_service_can_reach_is_not_public() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["93.184.216.34", "2606:2800:220:1::1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
