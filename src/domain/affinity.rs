//! Affinity groups: instances that shall share a host, or shall not.

use super::{Id, id, placement::Affinity};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// What a group says of its instances, by CloudStack's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// All on one host.
    Together,
    /// Each on a host of its own.
    Apart,
    /// On one host, if it can be.
    RatherTogether,
    /// Each on a host of its own, if it can be.
    RatherApart,
}

impl GroupKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Together, Self::Apart, Self::RatherTogether, Self::RatherApart];

    /// Its name in the store and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Together => "host affinity",
            Self::Apart => "host anti-affinity",
            Self::RatherTogether => "non-strict host affinity",
            Self::RatherApart => "non-strict host anti-affinity",
        }
    }

    /// Whether an instance that cannot be placed so is not placed at all.
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::Together | Self::Apart)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GroupKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Where the other instances of one group are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Hosts where they run, start, stop, or hold devices.
    pub at: BTreeSet<Id<id::Host>>,
    /// Hosts where those that are stopped were last.
    pub were: BTreeSet<Id<id::Host>>,
}

/// What groups of these kinds, with these others, mean for the next instance. One that is stopped binds nobody, but its
/// last host is where it will want to start.
pub fn meaning(groups: impl IntoIterator<Item = (GroupKind, Others)>) -> Affinity {
    let mut all = Affinity::default();
    for (kind, Others { at, were }) in groups {
        match kind {
            GroupKind::Together if at.is_empty() => all.rather.extend(were),
            GroupKind::Together => {
                all.only = Some(match all.only {
                    Some(only) => only.intersection(&at).copied().collect(),
                    None => at,
                });
            }
            GroupKind::Apart => {
                all.rather_not.extend(were);
                all.never.extend(at);
            }
            GroupKind::RatherTogether => all.rather.extend(if at.is_empty() { were } else { at }),
            GroupKind::RatherApart => all.rather_not.extend(at),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn hosts(numbers: &[u128]) -> BTreeSet<Id<id::Host>> {
        numbers.iter().map(|n| Id::from_uuid(Uuid::from_u128(*n))).collect()
    }

    fn others(at: &[u128], were: &[u128]) -> Others {
        Others { at: hosts(at), were: hosts(were) }
    }

    #[test]
    fn strict_groups_bind_and_the_others_wish() {
        let said = |kind| meaning([(kind, others(&[1], &[2]))]);
        let together = said(GroupKind::Together);
        assert_eq!((together.only, together.rather), (Some(hosts(&[1])), hosts(&[])));
        let apart = said(GroupKind::Apart);
        assert_eq!((apart.never, apart.rather_not), (hosts(&[1]), hosts(&[2])));
        let rather = said(GroupKind::RatherTogether);
        assert_eq!((rather.only, rather.rather), (None, hosts(&[1])));
        let rather_not = said(GroupKind::RatherApart);
        assert_eq!((rather_not.never, rather_not.rather_not), (hosts(&[]), hosts(&[1])));
    }

    #[test]
    fn one_that_is_stopped_is_followed_where_nobody_runs() {
        let found = meaning([(GroupKind::Together, others(&[], &[3]))]);
        assert_eq!((found.only, found.rather), (None, hosts(&[3])));
    }

    #[test]
    fn two_groups_that_want_different_hosts_leave_none() {
        let both = [others(&[1, 2], &[]), others(&[2, 3], &[])];
        let found = meaning(both.map(|others| (GroupKind::Together, others)));
        assert_eq!(found.only, Some(hosts(&[2])));
        let both = [others(&[1], &[]), others(&[3], &[])];
        let found = meaning(both.map(|others| (GroupKind::Together, others)));
        assert_eq!(found.only, Some(hosts(&[])));
    }

    #[test]
    fn kinds_have_cloudstacks_names() {
        assert!(GroupKind::ALL.iter().all(|kind| kind.as_str().parse() == Ok(*kind)));
        assert_eq!("ExplicitDedication".parse::<GroupKind>(), Err(()));
    }
}
