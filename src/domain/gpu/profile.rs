//! What is known about a profile: from the card and from its type's name.

use super::{
    ProfileKind,
    observed::{CardFacts, ProfileFacts},
};
use crate::domain::catalogue;

/// The name of the profile that every card has; clients look for it.
pub const PASSTHROUGH: &str = "passthrough";

/// The most memory of a GPU that anybody may say, a pebibyte: the sums of many must still be numbers.
pub const MOST_MEMORY_MIB: i64 = 1 << 30;

impl ProfileFacts {
    /// The whole card.
    pub fn passthrough(card: &CardFacts) -> Self {
        Self {
            memory_mib: card.memory_mib,
            max_per_gpu: Some(1),
            ..Self::plain(PASSTHROUGH, ProfileKind::Passthrough)
        }
    }

    /// A virtual function of the card; its memory is the host's secret unless the catalogue knows it.
    pub fn virtual_function(name: &str, memory_mib: Option<u64>, max_per_gpu: u32) -> Self {
        let max_per_gpu = Some(max_per_gpu).filter(|&m| m > 0);
        Self { memory_mib, max_per_gpu, ..Self::plain(name, ProfileKind::VirtualFunction) }
    }

    /// A mediated device type of the card.
    pub fn mediated(name: &str, card: &CardFacts) -> Self {
        let mut facts = Self::plain(name, ProfileKind::Mediated);
        let Some(said) = catalogue::read_vgpu_name(name) else {
            return facts;
        };
        facts.memory_mib = Some(said.memory_mib);
        match said.mig_slices {
            Some(slices) => {
                facts.kind = ProfileKind::Mig;
                facts.max_per_gpu = card.mig_family.and_then(|family| {
                    let of_size = format!("{slices}g.{}gb", said.memory_mib / 1024);
                    catalogue::mig_profile(family, &of_size).map(|p| p.max)
                });
            }
            None => {
                let fits = card.memory_mib.map(|all| all / said.memory_mib);
                facts.max_per_gpu = fits.and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0);
            }
        }
        facts
    }

    fn plain(name: &str, kind: ProfileKind) -> Self {
        Self {
            name: name.chars().take(255).collect(),
            kind,
            memory_mib: None,
            max_heads: None,
            max_resolution: None,
            max_per_gpu: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gpu::samples::card;

    #[test]
    fn a_type_says_its_memory_and_the_card_how_often_it_fits() {
        let facts = ProfileFacts::mediated("NVIDIA A16-4Q", &card(0x10de, 0x25b6));
        assert_eq!((facts.memory_mib, facts.max_per_gpu), (Some(4096), Some(4)));
        assert_eq!(facts.kind, ProfileKind::Mediated);
    }

    #[test]
    fn a_mig_backed_type_follows_the_table() {
        let facts = ProfileFacts::mediated("NVIDIA A100D-1-10C", &card(0x10de, 0x20b2));
        assert_eq!((facts.kind, facts.max_per_gpu), (ProfileKind::Mig, Some(7)));
        let facts = ProfileFacts::mediated("NVIDIA A100D-3-40C", &card(0x10de, 0x20b2));
        assert_eq!((facts.memory_mib, facts.max_per_gpu), (Some(40960), Some(2)));
    }
}
