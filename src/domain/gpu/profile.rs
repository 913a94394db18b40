//! What is known about a profile: from the card, from its type's name, from its type's description.

use super::{
    ProfileKind,
    observed::{CardFacts, ProfileFacts},
};
use crate::domain::catalogue;

/// The name of the profile that every card has; clients look for it.
pub const PASSTHROUGH: &str = "passthrough";

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

    /// Takes over what a type's description in sysfs says, as in
    /// `num_heads=4, frl_config=60, framebuffer=2048M, max_resolution=4096x2160, max_instance=8`.
    pub fn with_description(mut self, description: &str) -> Self {
        let words = description.split([',', '\n', ' ']);
        for (key, value) in words.filter_map(|word| word.trim().split_once('=')) {
            match key {
                "num_heads" => self.max_heads = value.parse().ok().or(self.max_heads),
                "framebuffer" => {
                    let mib = value.strip_suffix('M').and_then(|v| v.parse().ok());
                    self.memory_mib = mib.or(self.memory_mib);
                }
                "max_resolution" => {
                    let pair = value.split_once('x');
                    let read = pair.and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)));
                    self.max_resolution = read.or(self.max_resolution);
                }
                "max_instance" => self.max_per_gpu = value.parse().ok().or(self.max_per_gpu),
                _ => {}
            }
        }
        self
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

    #[test]
    fn a_description_adds_what_the_name_does_not_say() {
        let text = "num_heads=4, frl_config=60, framebuffer=2048M, max_resolution=4096x2160, max_instance=8";
        let facts = ProfileFacts::mediated("odd", &card(0x10de, 0x1eb8)).with_description(text);
        assert_eq!((facts.memory_mib, facts.max_heads), (Some(2048), Some(4)));
        assert_eq!((facts.max_resolution, facts.max_per_gpu), (Some((4096, 2160)), Some(8)));
        let same = facts.clone().with_description("framebuffer=lots, max_resolution=wide");
        assert_eq!(same, facts);
    }
}
