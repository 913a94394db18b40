//! What a choice costs those who come after: how many demands of 1, 2, 4 and 8 devices fit no longer.
//!
//! Counted in every neighbourhood (below one switch, on one NUMA node, in the host) as devices divided by the size,
//! rounded down, times the size. Devices that share an IOMMU group count only for sizes that can take all of them.
//! Three devices in a group and one alone count as four, though not every way of cutting works: a measure, no promise.

/// The sizes that are asked for.
pub(super) const SHAPES: [u32; 4] = [1, 2, 4, 8];

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
    pub(super) fn worth(&self) -> u32 {
        self.0.iter().zip(SHAPES).map(|(devices, shape)| devices / shape * shape).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untouched_eight_is_worth_more_than_its_parts() {
        let mut room = Room::default();
        room.add(1, 8);
        assert_eq!(room.worth(), 32);
        room.take(1, 1);
        assert_eq!(room.worth(), 7 + 6 + 4);
    }

    #[test]
    fn a_pair_of_one_group_serves_no_single() {
        let mut room = Room::default();
        room.add(2, 2);
        assert_eq!(room.worth(), 4 + 4);
    }
}
