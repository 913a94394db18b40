//! What a choice costs those who come after: how many demands of 1, 2, 4 and 8 devices fit no longer.
//!
//! Counted in every neighbourhood (below one switch, on one NUMA node, in the host) as devices divided by the size,
//! rounded down, times the size, weighed by how much of the demand is of that size. What a NUMA node can hold counts on
//! nodes and not in the host: four devices on two nodes are no place for an instance of four. The host counts for the
//! sizes that no node holds. Devices that share an IOMMU group
//! count only for sizes that can take all of them. Three devices in a group and one alone count as four, though not
//! every way of cutting works: a measure, no promise. Devices that are wired to each other count by their partitions.

use crate::domain::gpu::{Fabric, fabric::Modules};
use std::str::FromStr;

/// The sizes that are asked for.
pub(super) const SHAPES: [u32; 4] = [1, 2, 4, 8];

/// How much one more or less of each size is worth: what share of the requests is expected to be of 1, 2, 4 and 8
/// devices, times the size.
///
/// An expectation is not trusted alone: half of the weight is that of a usual mix, so that whoever expects nothing but
/// single devices still keeps whole hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mix([u16; 4]);

/// One device of average weight that fits no longer.
pub(super) const ONE: u32 = 64;

/// Shares of requests as they are expected where nobody says otherwise.
const USUAL: [u16; 4] = [50, 20, 20, 10];

impl Default for Mix {
    fn default() -> Self {
        Self::new(USUAL)
    }
}

impl Mix {
    #[cfg(test)]
    pub(super) const EVEN: Self = Self([ONE as u16; 4]);
    #[cfg(test)]
    pub(super) const SKEWED: Self = Self([47, 0, 7, 202]);

    /// These shares of requests, of which only the proportion matters.
    pub fn new(shares: [u16; 4]) -> Self {
        let devices = |shares: [u16; 4]| {
            let mut all = SHAPES;
            all.iter_mut().zip(shares).for_each(|(size, share)| *size *= u32::from(share));
            let sum = all.iter().sum::<u32>().max(1);
            all.map(|one| one * 2 * ONE / sum)
        };
        let (expected, usual) = (devices(shares), devices(USUAL));
        let mut all = [0; 4];
        for (n, weight) in all.iter_mut().enumerate() {
            *weight = u16::try_from(expected[n] + usual[n]).unwrap_or(u16::MAX);
        }
        Self(all)
    }

    /// The weight of each size.
    pub(super) fn weights(self) -> [u32; 4] {
        self.0.map(u32::from)
    }
}

/// Four numbers joined by slashes or commas: `50/20/20/10`.
impl FromStr for Mix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text} is no demand mix: four numbers from 0 to 1000 for 1/2/4/8");
        let numbers: Vec<u16> = text
            .split(['/', ','])
            .map(|word| word.trim().parse().ok().filter(|n| *n <= 1000))
            .collect::<Option<_>>()
            .ok_or_else(bad)?;
        let mix: [u16; 4] = numbers.try_into().map_err(|_| bad())?;
        if mix == [0; 4] { Err(bad()) } else { Ok(Self::new(mix)) }
    }
}

/// Free devices of one neighbourhood, by the smallest size they can serve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Room([u32; 4]);

impl Room {
    /// Adds units of `size` devices each.
    pub(super) fn add(&mut self, size: u32, units: u32) {
        for (slot, shape) in self.0.iter_mut().zip(SHAPES) {
            if size <= shape {
                *slot += size * units;
            }
        }
    }

    /// Takes units away again.
    pub(super) fn take(&mut self, size: u32, units: u32) {
        for (slot, shape) in self.0.iter_mut().zip(SHAPES) {
            if size <= shape {
                *slot -= size * units;
            }
        }
    }

    /// How much fits, weighed by size.
    pub(super) fn worth(&self, weights: [u32; 4]) -> u32 {
        let each = self.0.iter().zip(SHAPES).zip(weights);
        each.map(|((devices, shape), weight)| devices / shape * shape * weight).sum()
    }
}

/// What the sizes are worth in the host, on a node, below a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scales {
    pub(super) host: [u32; 4],
    pub(super) node: [u32; 4],
    pub(super) place: [u32; 4],
}

impl Mix {
    /// For a host with so many nodes. How large a node is cannot be told from what is free; two of them hold four
    /// devices each as a rule, more of them fewer.
    pub(super) fn scales(self, nodes: usize) -> Scales {
        let largest = if nodes > 2 { 2 } else { 4 };
        let of = |is_counted: &dyn Fn(u32) -> bool, times: u32| {
            let mut weights = self.weights();
            for (weight, shape) in weights.iter_mut().zip(SHAPES) {
                *weight *= if is_counted(shape) { times } else { 0 };
            }
            weights
        };
        Scales {
            host: of(&|shape| shape > largest, 2),
            node: of(&|shape| shape <= largest, 2),
            place: of(&|_| true, 1),
        }
    }
}

/// How much fits into the partitions of what is free.
pub(super) fn fabric_worth(fabric: &Fabric, free: Modules, mix: Mix) -> u32 {
    let weight = |size: u32| {
        let at = SHAPES.iter().position(|shape| *shape == size);
        at.map_or(0, |at| mix.weights()[at])
    };
    fabric.within(free).map(|p| p.len() * weight(p.len())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untouched_eight_is_worth_more_than_its_parts() {
        let mut room = Room::default();
        room.add(1, 8);
        assert_eq!(room.worth(Mix::EVEN.weights()), 32 * ONE);
        room.take(1, 1);
        assert_eq!(room.worth(Mix::EVEN.weights()), (7 + 6 + 4) * ONE);
        assert_eq!(room.worth(Mix::SKEWED.weights()), 7 * 47 + 4 * 7);
    }

    #[test]
    fn a_pair_of_one_group_serves_no_single() {
        let mut room = Room::default();
        room.add(2, 2);
        assert_eq!(room.worth(Mix::EVEN.weights()), (4 + 4) * ONE);
    }

    #[test]
    fn what_a_node_holds_does_not_count_in_the_host() {
        let scales = Mix::default().scales(2);
        assert_eq!((scales.host, scales.node), ([0, 0, 0, 160], [100, 80, 160, 0]));
        assert_eq!(scales.place, [50, 40, 80, 80]);
        let small = Mix::default().scales(4);
        assert_eq!((small.host, small.node), ([0, 0, 160, 160], [100, 80, 0, 0]));
    }

    #[test]
    fn wired_devices_count_by_their_partitions() {
        let fabric: Fabric = "1,2 3,4 1 2 3 4 1,2,3,4".parse().unwrap();
        let worth =
            |free: &[u8]| fabric_worth(&fabric, free.iter().copied().collect(), Mix::EVEN) / ONE;
        assert_eq!((worth(&[1, 2, 3, 4]), worth(&[2, 3]), worth(&[1, 2, 3])), (12, 2, 5));
    }

    #[test]
    fn a_mix_is_trusted_by_half() {
        let usual = Mix::default().weights();
        assert_eq!(usual, [50, 40, 80, 80], "as devices: 5, 4, 8 and 8 of 25, of 256 together");
        assert_eq!(Mix::new([1, 0, 0, 0]).weights(), [128 + 25, 20, 40, 40]);
        assert_eq!(Mix::new([0, 0, 0, 7]).weights(), [25, 20, 40, 128 + 40]);
    }

    #[test]
    fn a_mix_is_four_numbers() {
        assert_eq!("50/20/20/10".parse(), Ok(Mix::new([5, 2, 2, 1])));
        for bad in ["", "1/2/3", "0/0/0/0", "1/2/3/x", "1/2/3/4/5", "-1/1/1/1", "1/1/1/1001"] {
            assert!(bad.parse::<Mix>().is_err(), "{bad}");
        }
    }
}
