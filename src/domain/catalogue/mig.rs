//! How cards can be cut into MIG instances: `mig.csv`.
//!
//! A card is a row of memory slices. An instance covers some of them in a row and may start only at fixed places, so
//! whether one more fits depends on where the others lie and not only on how many there are.

use std::sync::LazyLock;

/// A size that a card of this family can be cut into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigProfile {
    /// Which cards: `a100-80`.
    pub family: &'static str,
    /// Its name: `1g.10gb`.
    pub name: &'static str,
    /// Memory of one instance in GiB, as the name says it.
    pub memory_gib: u32,
    /// How many memory slices it covers.
    pub slices: u8,
    /// The slices at which it may start.
    pub starts: Vec<u8>,
    /// The most of it on one card.
    pub max: u32,
}

static PROFILES: LazyLock<Vec<MigProfile>> = LazyLock::new(|| lines().filter_map(parse).collect());

/// The sizes of a family, in the order of the table.
pub fn mig_profiles(family: &str) -> impl Iterator<Item = &'static MigProfile> {
    PROFILES.iter().filter(move |p| p.family == family)
}

/// One size of a family.
pub fn mig_profile(family: &str, name: &str) -> Option<&'static MigProfile> {
    PROFILES.iter().find(|p| p.family == family && p.name == name)
}

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("mig.csv").lines().skip(1)
}

fn parse(line: &'static str) -> Option<MigProfile> {
    let fields: Vec<&'static str> = line.split(',').collect();
    let [family, name, memory, slices, starts, max] = fields.as_slice() else {
        return None;
    };
    Some(MigProfile {
        family,
        name,
        memory_gib: memory.parse().ok()?,
        slices: slices.parse().ok()?,
        starts: starts.split(' ').map(|s| s.parse().ok()).collect::<Option<_>>()?,
        max: max.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_is_a_profile() {
        for line in lines() {
            let profile = parse(line).unwrap_or_else(|| panic!("{line}"));
            assert!(profile.max as usize <= profile.starts.len(), "{line}");
            assert!(profile.starts.iter().all(|s| s + profile.slices <= 8), "{line}");
        }
        let names: BTreeSet<_> = PROFILES.iter().map(|p| (p.family, p.name)).collect();
        assert_eq!(names.len(), lines().count());
    }
}
