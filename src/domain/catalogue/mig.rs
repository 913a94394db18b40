//! How cards are cut into MIG instances: `mig.csv`, and the rule of where an instance may start.
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

/// The memory slices that one instance covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The first of them.
    pub start: u8,
    /// How many.
    pub length: u8,
}

impl Slice {
    const fn overlaps(self, other: Self) -> bool {
        self.start < other.start + other.length && other.start < self.start + self.length
    }
}

impl MigProfile {
    /// Where one more instance may start on a card that already carries these.
    pub fn free_starts(&self, taken: &[Slice]) -> Vec<u8> {
        let fits = |start: u8| {
            let wanted = Slice { start, length: self.slices };
            !taken.iter().any(|t| t.overlaps(wanted))
        };
        self.starts.iter().copied().filter(|&start| fits(start)).collect()
    }
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

    #[test]
    fn a_slice_in_the_wrong_place_costs_a_large_one() {
        let large = mig_profile("a100-80", "4g.40gb").unwrap();
        let half = mig_profile("a100-80", "3g.40gb").unwrap();
        let low = [Slice { start: 0, length: 1 }];
        let high = [Slice { start: 6, length: 1 }];
        assert!(large.free_starts(&low).is_empty());
        assert_eq!(large.free_starts(&high), [0]);
        assert_eq!(half.free_starts(&low), [4]);
        assert_eq!(half.free_starts(&[]), [0, 4]);
    }
}
