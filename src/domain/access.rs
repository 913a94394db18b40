//! Whose calls are taken: from where an account may call, how often, and where a call comes from at all.

use std::{collections::HashMap, net::IpAddr, str::FromStr};

/// Whether calls of accounts are counted.
pub const THROTTLING: &str = "api.throttling.enabled";
/// The seconds in which calls are counted.
pub const THROTTLING_INTERVAL: &str = "api.throttling.interval";
/// The most calls in them.
pub const THROTTLING_MAX: &str = "api.throttling.max";
/// How many accounts are counted at a time.
pub const THROTTLING_CACHE: &str = "api.throttling.cachesize";
/// Whether it matters from where a call comes.
pub const SOURCES_CHECKED: &str = "api.source.cidr.checks.enabled";
/// From where accounts may call.
pub const SOURCES: &str = "api.allowed.source.cidr.list";
/// Whether proxies say where a call comes from.
pub const PROXY_VERIFY: &str = "proxy.header.verify";
/// In which headers they say it.
pub const PROXY_NAMES: &str = "proxy.header.names";
/// Which proxies are believed.
pub const PROXIES: &str = "proxy.cidr";

/// The seconds, the calls and the accounts where nobody changed them.
pub const USUAL: (u32, u32, usize) = (1, 25, 50_000);
/// From everywhere.
pub const EVERYWHERE: &str = "0.0.0.0/0,::/0";
/// The headers of proxies where nobody named others.
pub const USUAL_NAMES: &str = "X-Forwarded-For,HTTP_CLIENT_IP,HTTP_X_FORWARDED_FOR";

/// A range of addresses: `10.0.0.0/8`, `::/0`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Its first address, as a number whose first bits are the network's.
    first: u128,
    /// How many bits of it count.
    bits: u32,
    is_v6: bool,
}

impl Range {
    /// Whether the address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        let (number, is_v6) = number(address);
        is_v6 == self.is_v6 && (number ^ self.first) & mask(self.bits) == 0
    }
}

/// The address as a number whose first bits are the network's; an IPv4 address in IPv6 clothes is an IPv4 address.
fn number(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, false),
        IpAddr::V6(v6) => (u128::from(v6), true),
    }
}

fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - bits).unwrap_or(0)
}

impl FromStr for Range {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no range of addresses such as 10.0.0.0/8 or ::/0");
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let is_digits = text.contains('/') != bits.is_empty()
            && bits.bytes().all(|digit| digit.is_ascii_digit());
        let bits: u32 = match bits {
            "" => most,
            bits => bits.parse().map_err(|_| wrong())?,
        };
        if bits > most || !is_digits {
            return Err(wrong());
        }
        let (first, is_v6) = number(address);
        // of ::ffff:10.0.0.0/104 the first 96 bits are the clothes
        let clothes = if address.is_ipv6() && !is_v6 { 96 } else { 0 };
        let bits = bits.checked_sub(clothes).ok_or_else(wrong)?;
        Ok(Self { first: first & mask(bits), bits, is_v6 })
    }
}

/// Ranges of addresses, separated by commas; blanks count for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range>);

impl Ranges {
    /// Whether the address is in one of them.
    pub fn hold(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.holds(address))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges of a text; of one that cannot be read none, which is no permission.
    fn or_none(text: &str) -> Self {
        text.parse().unwrap_or_default()
    }
}

impl FromStr for Ranges {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// So many calls in so many seconds, of so many accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The most calls.
    pub most: u32,
    /// The seconds.
    pub seconds: u32,
    /// The most accounts that are counted at a time.
    pub accounts: usize,
}

/// Whose calls are taken, as the settings for all say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// How often; `None`: as often as it likes.
    pub rate: Option<Rate>,
    is_open: bool,
    sources: Option<Ranges>,
    proxies: Option<(Ranges, Vec<String>)>,
}

/// Where a request says it comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Who is at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// The headers, in the order of the request.
    pub headers: Vec<(String, String)>,
}

impl Access {
    /// What the settings that were changed say.
    pub fn new(changed: &HashMap<String, String>) -> Self {
        let get = |name: &str| changed.get(name).map(|value| value.trim());
        fn number<T: FromStr>(text: Option<&str>, usual: T) -> T {
            text.and_then(|text| text.parse().ok()).unwrap_or(usual)
        }
        let rate = Rate {
            seconds: number(get(THROTTLING_INTERVAL), USUAL.0),
            most: number(get(THROTTLING_MAX), USUAL.1),
            accounts: number(get(THROTTLING_CACHE), USUAL.2),
        };
        let names = get(PROXY_NAMES).unwrap_or(USUAL_NAMES).split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let proxies = Ranges::or_none(get(PROXIES).unwrap_or_default());
        Self {
            rate: (get(THROTTLING) == Some("true")).then_some(rate),
            is_open: get(SOURCES_CHECKED) == Some("false"),
            sources: get(SOURCES).map(Ranges::or_none),
            proxies: (get(PROXY_VERIFY) == Some("true")).then_some((proxies, names)),
        }
    }

    /// Whether calls from there are taken of an account that has this list of its own, or none.
    pub fn takes(&self, own: Option<&str>, from: Option<IpAddr>) -> bool {
        let own = own.map(Ranges::or_none);
        let listed = own.as_ref().or(self.sources.as_ref()).filter(|_| !self.is_open);
        listed.is_none_or(|ranges| from.is_some_and(|from| ranges.hold(from)))
    }

    /// The address that a request comes from: that of the peer, unless the peer is a trusted proxy; then the last one of
    /// those that proxies wrote down which is no trusted proxy itself. CloudStack takes the first one, which the caller
    /// itself may have written.
    pub fn source(&self, origin: &Origin) -> Option<IpAddr> {
        let peer = origin.peer?.to_canonical();
        let Some((trusted, names)) = &self.proxies else { return Some(peer) };
        let mut source = peer;
        for text in forwarded(names, origin).into_iter().rev() {
            if !trusted.hold(source) {
                break;
            }
            match text.trim().parse::<IpAddr>() {
                Ok(address) => source = address.to_canonical(),
                Err(_) => break,
            }
        }
        Some(source)
    }
}

/// What proxies wrote down, in their order: the values of the first of these headers that is there.
fn forwarded<'a>(names: &[String], origin: &'a Origin) -> Vec<&'a str> {
    let values = |name: &String| -> Vec<&'a str> {
        let lines = origin.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        lines.flat_map(|(_, value)| value.split(',')).collect()
    };
    names.iter().map(values).find(|found| !found.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn access<const N: usize>(changed: [(&str, &str); N]) -> Access {
        let changed = changed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Access::new(&HashMap::from(changed))
    }

    #[test]
    fn an_address_is_in_a_range_of_its_own_family() {
        let text = "10.1.0.0/16, 192.0.2.7 ,2001:db8::/32,::ffff:172.16.0.0/108,";
        let ranges: Ranges = text.parse().unwrap();
        for (text, is_held) in [
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
        ] {
            assert_eq!(ranges.hold(ip(text)), is_held, "{text}");
        }
        let all: Ranges = EVERYWHERE.parse().unwrap();
        assert!(all.hold(ip("1.2.3.4")) && all.hold(ip("::1")));
        let v4: Ranges = "0.0.0.0/0".parse().unwrap();
        assert!(!v4.hold(ip("::1")));
        let bad = ["10.0.0.0/33", "10.0.0.0/", "x", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8"];
        for bad in bad.into_iter().chain(["::ffff:10.0.0.0/95", "10.0.0.0/ 8", "010.0.0.1/8"]) {
            assert!(bad.parse::<Ranges>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_read_takes_no_call() {
        let one = Some(ip("1.1.1.1"));
        assert!(Access::default().takes(None, None));
        assert!(access([(SOURCES, "0.0.0.0/0")]).takes(None, one));
        assert!(!access([(SOURCES, "0.0.0.0/0")]).takes(None, None));
        for unread in ["", "nonsense", "1.1.1.1,nonsense"] {
            assert!(!access([(SOURCES, unread)]).takes(None, one), "{unread}");
            assert!(!Access::default().takes(Some(unread), one), "{unread}");
        }
    }

    #[test]
    fn an_accounts_own_list_counts_before_that_of_all() {
        let all = access([(SOURCES, "10.0.0.0/8")]);
        assert!(all.takes(None, Some(ip("10.1.1.1"))) && !all.takes(None, Some(ip("11.1.1.1"))));
        let own = Some("11.0.0.0/8");
        assert!(all.takes(own, Some(ip("11.1.1.1"))) && !all.takes(own, Some(ip("10.1.1.1"))));
        let off = access([(SOURCES, "10.0.0.0/8"), (SOURCES_CHECKED, "false")]);
        assert!(off.takes(Some("12.0.0.0/8"), Some(ip("11.1.1.1"))));
    }

    #[test]
    fn a_header_counts_only_when_a_trusted_proxy_wrote_it() {
        let all = access([(PROXY_VERIFY, "true"), (PROXIES, "10.0.0.0/24")]);
        let from = |peer: &str, header: &str| {
            let headers = vec![("x-forwarded-for".to_owned(), header.to_owned())];
            all.source(&Origin { peer: Some(ip(peer)), headers }).unwrap()
        };
        assert_eq!(from("192.0.2.1", "1.1.1.1"), ip("192.0.2.1"));
        assert_eq!(from("10.0.0.1", "1.1.1.1"), ip("1.1.1.1"));
        assert_eq!(from("::ffff:10.0.0.1", "::ffff:1.1.1.1"), ip("1.1.1.1"));
        assert_eq!(from("10.0.0.1", "6.6.6.6, 1.1.1.1"), ip("1.1.1.1"));
        assert_eq!(from("10.0.0.1", "1.1.1.1, 10.0.0.2"), ip("1.1.1.1"));
        assert_eq!(from("10.0.0.1", "1.1.1.1, nonsense"), ip("10.0.0.1"));
        assert_eq!(from("10.0.0.1", ""), ip("10.0.0.1"));
    }

    #[test]
    fn headers_count_for_nothing_unless_it_is_said_whose_and_which() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("X-Forwarded-For", "6.6.6.6"),
            header("x-forwarded-for", "1.1.1.1"),
            header("X-Real-IP", "2.2.2.2"),
        ];
        let origin = Origin { peer: Some(ip("10.0.0.1")), headers };
        let (on, of) = ((PROXY_VERIFY, "true"), (PROXIES, "10.0.0.0/24"));
        for (settings, source) in [
            (access([of]), "10.0.0.1"),
            (access([on]), "10.0.0.1"),
            (access([on, (PROXIES, "nonsense")]), "10.0.0.1"),
            (access([on, of]), "1.1.1.1"),
            (access([on, of, (PROXY_NAMES, "x-real-ip")]), "2.2.2.2"),
            (access([on, of, (PROXY_NAMES, "Via, X-Real-IP")]), "2.2.2.2"),
            (access([on, of, (PROXY_NAMES, "")]), "10.0.0.1"),
        ] {
            assert_eq!(settings.source(&origin), Some(ip(source)));
        }
    }
}
