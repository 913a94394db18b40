//! How a card that is cut into MIG instances is laid out: what still fits, and where it does least harm.
//!
//! An instance may start only at fixed places, so one in the wrong place costs a large one. Where an instance starts is
//! decided when it is claimed and kept with it; of one that somebody else made it may be unknown, and then it is
//! assumed to lie where it is least in the way: the host has the last word.

use crate::domain::catalogue::{MigProfile, mig_profiles};

/// An instance on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// What it is.
    pub profile: &'static MigProfile,
    /// The memory slice where it starts; `None`: unknown.
    pub start: Option<u8>,
}

/// The memory slices of a card, one bit each.
type Slices = u16;

fn covered(profile: &MigProfile, start: u8) -> Slices {
    ((1 << profile.slices) - 1) << start
}

fn starts(profile: &MigProfile, taken: Slices) -> impl Iterator<Item = u8> + '_ {
    profile.starts.iter().copied().filter(move |start| covered(profile, *start) & taken == 0)
}

/// How many more of a profile fit beside these.
pub fn room(taken: &[Cut], wanted: &MigProfile) -> u32 {
    let mut most = 0;
    arrange(taken, &mut |slices| most = most.max(count(wanted, slices)));
    most.min(left(taken, wanted))
}

/// Where one more of a profile starts so that the most still fits beside it; `None`: it does not fit.
pub fn start(taken: &[Cut], wanted: &MigProfile) -> Option<u8> {
    if left(taken, wanted) == 0 {
        return None;
    }
    let mut best: Option<(u32, u8)> = None;
    arrange(taken, &mut |slices| {
        for start in starts(wanted, slices) {
            let worth = worth(wanted.family, slices | covered(wanted, start));
            if best.is_none_or(|(most, _)| worth > most) {
                best = Some((worth, start));
            }
        }
    });
    best.map(|(_, start)| start)
}

/// How many more the card's table allows, wherever they lie.
fn left(taken: &[Cut], wanted: &MigProfile) -> u32 {
    let same = taken.iter().filter(|cut| cut.profile == wanted).count();
    wanted.max.saturating_sub(u32::try_from(same).unwrap_or(u32::MAX))
}

/// How many of a profile fit into what is not taken. Starts are multiples of the length, so the first that fits never
/// stands in the way of a better one.
fn count(profile: &MigProfile, mut taken: Slices) -> u32 {
    let mut fitting = 0;
    for start in &profile.starts {
        if covered(profile, *start) & taken == 0 {
            taken |= covered(profile, *start);
            fitting += 1;
        }
    }
    fitting
}

/// What still fits, in memory slices, over all profiles of the family.
fn worth(family: &str, taken: Slices) -> u32 {
    mig_profiles(family).map(|p| count(p, taken).min(p.max) * u32::from(p.slices)).sum()
}

/// Every way in which these may lie.
fn arrange(taken: &[Cut], each: &mut dyn FnMut(Slices)) {
    let fixed = taken.iter().filter_map(|cut| Some(covered(cut.profile, cut.start?)));
    let fixed: Slices = fixed.fold(0, |all, one| all | one);
    let loose: Vec<&MigProfile> =
        taken.iter().filter(|cut| cut.start.is_none()).map(|cut| cut.profile).collect();
    arrange_loose(&loose, fixed, each);
}

fn arrange_loose(loose: &[&MigProfile], taken: Slices, each: &mut dyn FnMut(Slices)) {
    let Some((first, rest)) = loose.split_first() else { return each(taken) };
    for start in starts(first, taken) {
        arrange_loose(rest, taken | covered(first, start), each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::mig_profile;
    use std::collections::BTreeSet;

    fn of(name: &str) -> &'static MigProfile {
        mig_profile("a100-80", name).unwrap()
    }

    fn at(name: &str, start: u8) -> Cut {
        Cut { profile: of(name), start: Some(start) }
    }

    fn somewhere(name: &str) -> Cut {
        Cut { profile: of(name), start: None }
    }

    /// Profiles one after the other, each where it does least harm; how many of them fit.
    fn fill(names: &[&str]) -> usize {
        let mut taken = Vec::new();
        for name in names {
            let Some(start) = start(&taken, of(name)) else { break };
            taken.push(at(name, start));
        }
        taken.len()
    }

    #[test]
    fn a_small_one_goes_where_it_costs_no_large_one() {
        assert_eq!(start(&[], of("1g.10gb")), Some(6));
        assert_eq!(start(&[at("1g.10gb", 6)], of("4g.40gb")), Some(0));
        assert_eq!(start(&[at("1g.10gb", 0)], of("4g.40gb")), None);
        assert_eq!(start(&[at("1g.10gb", 0)], of("3g.40gb")), Some(4));
    }

    #[test]
    fn what_the_table_allows_fits_and_no_more() {
        for profile in mig_profiles("a100-80") {
            assert_eq!(room(&[], profile), profile.max, "{}", profile.name);
            assert_eq!(fill(&[profile.name; 9]), profile.max as usize, "{}", profile.name);
        }
        assert_eq!(room(&[at("1g.10gb+me", 6)], of("1g.10gb+me")), 0, "one media engine");
        assert_eq!(room(&[at("7g.80gb", 0)], of("1g.10gb")), 0);
    }

    #[test]
    fn mixed_layouts_of_the_vendors_table_fit() {
        for names in [
            &["4g.40gb", "2g.20gb", "1g.10gb"][..],
            &["3g.40gb", "3g.40gb"],
            &["3g.40gb", "2g.20gb", "1g.10gb"],
            &["2g.20gb", "2g.20gb", "2g.20gb", "1g.10gb"],
            &["1g.10gb", "1g.10gb", "1g.10gb", "4g.40gb"],
        ] {
            assert_eq!(fill(names), names.len(), "{names:?}");
        }
        assert_eq!(fill(&["4g.40gb", "4g.40gb"]), 1);
        assert_eq!(fill(&["4g.40gb", "3g.40gb", "1g.10gb"]), 2);
    }

    #[test]
    fn what_lies_nobody_knows_where_is_assumed_out_of_the_way() {
        assert_eq!(start(&[somewhere("1g.10gb")], of("4g.40gb")), Some(0));
        assert_eq!(room(&[somewhere("2g.20gb"), somewhere("1g.10gb")], of("3g.40gb")), 1);
        assert_eq!(room(&[somewhere("4g.40gb")], of("1g.10gb")), 3);
        assert_eq!(room(&[somewhere("3g.40gb"), somewhere("3g.40gb")], of("1g.10gb")), 0);
    }

    /// Every way in which a card may be cut, each a set of instances and where they start.
    fn layouts(family: &'static str) -> BTreeSet<Vec<(&'static str, u8)>> {
        let mut found = BTreeSet::new();
        let mut next = vec![Vec::new()];
        while let Some(layout) = next.pop() {
            let cuts = cuts(family, &layout);
            let taken: Slices =
                cuts.iter().map(|cut| covered(cut.profile, cut.start.unwrap())).sum();
            for profile in mig_profiles(family).filter(|profile| left(&cuts, profile) > 0) {
                for start in starts(profile, taken) {
                    let mut more = layout.clone();
                    more.push((profile.name, start));
                    more.sort_unstable();
                    next.extend(found.insert(more.clone()).then_some(more));
                }
            }
        }
        found
    }

    fn cuts(family: &str, layout: &[(&str, u8)]) -> Vec<Cut> {
        let cut = |(name, start): &(&str, u8)| Cut {
            profile: mig_profile(family, name).unwrap(),
            start: Some(*start),
        };
        layout.iter().map(cut).collect()
    }

    #[test]
    fn beside_whatever_there_is_as_many_fit_as_are_said_to() {
        for family in ["a100-80", "h100-80", "b200", "a30"] {
            let all = layouts(family);
            assert!(all.len() > 20, "{family}: {}", all.len());
            for layout in all {
                for wanted in mig_profiles(family) {
                    let mut taken = cuts(family, &layout);
                    let said = room(&taken, wanted);
                    while let Some(start) = start(&taken, wanted) {
                        taken.push(Cut { profile: wanted, start: Some(start) });
                    }
                    let placed = (taken.len() - layout.len()) as u32;
                    assert_eq!(said, placed, "{family} {layout:?} {}", wanted.name);
                }
            }
        }
    }
}
