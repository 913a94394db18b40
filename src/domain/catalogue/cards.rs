//! The cards: `cards.csv`, one line for each PCI vendor and device id.

use std::sync::LazyLock;

/// A card as the catalogue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// The vendor's short name: `NVIDIA`.
    pub vendor: &'static str,
    /// The card's name without the vendor: `A100 SXM4 80GB`.
    pub name: &'static str,
    /// Memory of one GPU in MiB; `None`: not a property of the id.
    pub memory_mib: Option<u64>,
    /// How it is built: `PCIe`, `SXM5`, `OAM`.
    pub form: &'static str,
    /// The table of MIG profiles that it follows, if it can be cut so.
    pub mig_family: Option<&'static str>,
}

static CARDS: LazyLock<Vec<Card>> = LazyLock::new(|| lines().filter_map(parse).collect());

/// Every card, ordered by vendor and device id.
pub fn cards() -> &'static [Card] {
    &CARDS
}

/// The card with these ids.
pub fn card(vendor_id: u16, device_id: u16) -> Option<&'static Card> {
    CARDS.iter().find(|c| (c.vendor_id, c.device_id) == (vendor_id, device_id))
}

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("cards.csv").lines().skip(1)
}

fn parse(line: &'static str) -> Option<Card> {
    let fields: Vec<&'static str> = line.split(',').collect();
    let [vendor_id, device_id, vendor, name, memory, form, family] = fields.as_slice() else {
        return None;
    };
    let memory_mib = if memory.is_empty() { None } else { Some(memory.parse().ok()?) };
    Some(Card {
        vendor_id: hex4(vendor_id)?,
        device_id: hex4(device_id)?,
        vendor,
        name,
        memory_mib,
        form,
        mig_family: Some(*family).filter(|f| !f.is_empty()),
    })
}

fn hex4(text: &str) -> Option<u16> {
    if text.len() == 4 { u16::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::mig_profiles;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_is_a_card() {
        for line in lines() {
            let card = parse(line).unwrap_or_else(|| panic!("{line}"));
            assert!(!card.vendor.is_empty() && !card.name.is_empty(), "{line}");
            assert_eq!(&line[..4], format!("{:04x}", card.vendor_id), "{line}");
            assert_eq!(&line[5..9], format!("{:04x}", card.device_id), "{line}");
        }
        assert_eq!(cards().len(), lines().count());
    }

    #[test]
    fn ids_are_unique_and_in_order() {
        let ids: Vec<_> = cards().iter().map(|c| (c.vendor_id, c.device_id)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn a_card_is_found_by_its_ids() {
        let found = card(0x10de, 0x20b2).unwrap();
        assert_eq!((found.name, found.memory_mib), ("A100 SXM4 80GB", Some(81920)));
        assert_eq!(card(0x1002, 0x74b5).unwrap().memory_mib, None);
        assert_eq!(card(0x1234, 0x1111), None);
    }

    #[test]
    fn every_family_has_profiles() {
        for family in cards().iter().filter_map(|c| c.mig_family) {
            assert!(mig_profiles(family).next().is_some(), "{family}");
        }
    }
}
