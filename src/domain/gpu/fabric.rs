//! GPUs that are wired to each other: which of them may be used together.
//!
//! The switches between the GPUs of a board are cut into partitions of fixed form (one of eight, two of four, and so on;
//! NVIDIA Fabric Manager User Guide, "Shared NVSwitch virtualization model"). Partitions name GPUs by module id, which
//! is printed on the board and has nothing to do with the order on the PCI bus. An instance gets exactly one partition.

use super::PciAddress;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A set of module ids, 1 to 32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Modules(u32);

impl Modules {
    /// This module alone; nothing when the number is no module's.
    pub const fn one(module: u8) -> Self {
        match module {
            1..=32 => Self(1 << (module - 1)),
            _ => Self(0),
        }
    }

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not there.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of the other are here.
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }
}

impl FromIterator<u8> for Modules {
    fn from_iter<T: IntoIterator<Item = u8>>(modules: T) -> Self {
        modules.into_iter().fold(Self::default(), |all, module| all.and(Self::one(module)))
    }
}

impl fmt::Display for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = (1..=32u8)
            .filter(|module| self.contains(Self::one(*module)))
            .map(|module| module.to_string())
            .collect();
        f.write_str(&all.join(","))
    }
}

/// The partitions of one host; empty: its GPUs are not wired to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Fabric(Vec<Modules>);

impl Fabric {
    /// These partitions, in any order.
    pub fn new(partitions: impl IntoIterator<Item = Modules>) -> Self {
        let mut all: Vec<Modules> = partitions.into_iter().filter(|p| !p.is_empty()).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// Whether the GPUs are not wired.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All partitions.
    pub fn partitions(&self) -> &[Modules] {
        &self.0
    }

    /// Whether these may go to one instance.
    pub fn allows(&self, modules: Modules) -> bool {
        modules.is_empty() || self.0.contains(&modules)
    }

    /// Whether these are a part of something that may go to one instance.
    pub fn may_become(&self, modules: Modules) -> bool {
        modules.is_empty() || self.0.iter().any(|p| p.contains(modules))
    }

    /// The partitions of which every module is among these.
    pub fn within(&self, free: Modules) -> impl Iterator<Item = Modules> + '_ {
        self.0.iter().copied().filter(move |p| free.contains(*p))
    }
}

/// Partitions as text: modules joined by commas, partitions by blanks: `1,2,3,4 5,6,7,8 1 2 3`.
impl FromStr for Fabric {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let module = |word: &str| match word.trim().parse::<u8>() {
            Ok(number @ 1..=32) => Ok(number),
            _ => Err(format!("{word} is no module id: they go from 1 to 32")),
        };
        let partition =
            |words: &str| words.split(',').map(module).collect::<Result<Modules, String>>();
        Ok(Self::new(text.split_whitespace().map(partition).collect::<Result<Vec<_>, _>>()?))
    }
}

impl fmt::Display for Fabric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(Modules::to_string).collect();
        f.write_str(&all.join(" "))
    }
}

/// What the operator says of one host, or of all that are not named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// The host's name, or `*`.
    pub host: String,
    /// Which modules may be used together.
    pub fabric: Fabric,
    /// Which GPU is which module.
    pub modules: BTreeMap<PciAddress, u8>,
}

impl Board {
    /// The one that is about this host.
    pub fn of<'a>(boards: &'a [Self], host: &str) -> Option<&'a Self> {
        let named = boards.iter().find(|board| board.host.eq_ignore_ascii_case(host));
        named.or_else(|| boards.iter().find(|board| board.host == "*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_partition_may_be_used() {
        let fabric: Fabric = "1,2,3,4 5,6,7,8 1,3 2,4 1 2 3 4 5".parse().unwrap();
        let allows = |modules: &[u8]| fabric.allows(modules.iter().copied().collect());
        assert!(allows(&[1, 2, 3, 4]) && allows(&[3, 1]) && allows(&[5]) && allows(&[]));
        assert!(!allows(&[1, 2]) && !allows(&[6]) && !allows(&[1, 2, 3]));
        let may = |modules: &[u8]| fabric.may_become(modules.iter().copied().collect());
        assert!(may(&[1, 2]) && may(&[6, 7]) && !may(&[4, 5]));
        assert_eq!(fabric.within([1, 3, 4].into_iter().collect()).count(), 4);
    }

    #[test]
    fn partitions_are_written_as_they_are_read() {
        let fabric: Fabric = " 8,7 1\n2,1 ".parse().unwrap();
        assert_eq!(fabric.to_string(), "1 1,2 7,8");
        assert_eq!(fabric.to_string().parse(), Ok(fabric));
        assert!("1,0".parse::<Fabric>().is_err() && "33".parse::<Fabric>().is_err());
        assert!("".parse::<Fabric>().unwrap().is_empty());
    }
}
