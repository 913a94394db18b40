//! PCI addresses: one type, any domain; full form inside, short form on the wire where the domain is 0000.

use std::{fmt, str::FromStr};

/// The address of one PCI function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PciAddress {
    /// PCI domain (segment); more than 16 bits exist on some machines.
    pub domain: u32,
    /// Bus.
    pub bus: u8,
    /// Slot, 0 to 31.
    pub slot: u8,
    /// Function, 0 to 7.
    pub function: u8,
}

impl PciAddress {
    /// As CloudStack 4.22 shows it: `bb:dd.f`, with the domain only where it is not 0000.
    pub fn short(&self) -> String {
        let full = self.to_string();
        if self.domain == 0 { full[5..].to_owned() } else { full }
    }

    /// The name of libvirt's node device: `pci_0000_3b_00_0`.
    pub fn node_device(&self) -> String {
        format!("pci_{:04x}_{:02x}_{:02x}_{}", self.domain, self.bus, self.slot, self.function)
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{}", self.domain, self.bus, self.slot, self.function)
    }
}

impl fmt::Debug for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PciAddress {
    type Err = String;

    /// Reads `dddd:bb:dd.f` and `bb:dd.f`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text} is no PCI address: write it as 0000:3b:00.0 or 3b:00.0");
        let hex = |part: &str, most: usize| {
            let fits = !part.is_empty() && part.len() <= most;
            let plain = part.bytes().all(|b| b.is_ascii_hexdigit());
            if fits && plain { u32::from_str_radix(part, 16).ok() } else { None }
        };
        let (rest, function) = text.rsplit_once('.').ok_or_else(bad)?;
        let parts: Vec<&str> = rest.split(':').collect();
        let (domain, bus, slot) = match parts.as_slice() {
            [bus, slot] => (Some(0), *bus, *slot),
            [domain, bus, slot] => (hex(domain, 8), *bus, *slot),
            _ => return Err(bad()),
        };
        let found = (domain, hex(bus, 2), hex(slot, 2), hex(function, 1));
        let (Some(domain), Some(bus), Some(slot), Some(function)) = found else {
            return Err(bad());
        };
        if slot > 31 || function > 7 {
            return Err(bad());
        }
        Ok(Self { domain, bus: bus as u8, slot: slot as u8, function: function as u8 })
    }
}

impl serde::Serialize for PciAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PciAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_the_short_one_drops_only_domain_zero() {
        let a: PciAddress = "3b:00.0".parse().unwrap();
        assert_eq!((a.to_string().as_str(), a.short().as_str()), ("0000:3b:00.0", "3b:00.0"));
        let b: PciAddress = "10000:01:1f.7".parse().unwrap();
        assert_eq!(b.short(), "10000:01:1f.7");
        assert_eq!(b.node_device(), "pci_10000_01_1f_7");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "3b:00", "3b:20.0", "3b:00.8", "+3:00.0", "0000:3b:00.0 ", "g0:00.0", "1:2:3:4.0"]
        {
            assert!(text.parse::<PciAddress>().is_err(), "{text}");
        }
    }
}
