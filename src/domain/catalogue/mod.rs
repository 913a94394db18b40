//! What is known about GPU cards before a host shows one: names, memory and how they can be cut.
//!
//! The facts are two text files in the program. They seed the store at the first start and name what discovery finds;
//! a card that is not in them is named by what libvirt read, and its memory stays unknown until an admin sets it.

mod cards;
mod mig;
mod vgpu_name;

pub use cards::{Card, card, cards};
pub use mig::{MigProfile, mig_profile, mig_profiles};
pub use vgpu_name::{VgpuName, read_vgpu_name};

/// The MIG instance that a profile of a card is: by the vendor's name of it (`1g.10gb`) or of the vGPU type that it backs.
pub fn mig_of(vendor_id: &str, device_id: &str, profile: &str) -> Option<&'static MigProfile> {
    let hex = |text: &str| u16::from_str_radix(text, 16).ok();
    let family = card(hex(vendor_id)?, hex(device_id)?)?.mig_family?;
    if let Some(found) = mig_profile(family, profile) {
        return Some(found);
    }
    let said = read_vgpu_name(profile)?;
    let size = format!("{}g.{}gb", said.mig_slices?, said.memory_mib / 1024);
    match profile.ends_with("CME") {
        true => mig_profile(family, &format!("{size}+me")),
        false => mig_profile(family, &size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_known_by_its_own_name_and_by_that_of_its_type() {
        let name = |profile| mig_of("10de", "20b2", profile).map(|found| found.name);
        assert_eq!(name("NVIDIA A100D-3-40C"), Some("3g.40gb"));
        assert_eq!(name("NVIDIA A100D-1-10CME"), Some("1g.10gb+me"));
        assert_eq!(name("4g.40gb"), Some("4g.40gb"));
        assert_eq!(name("NVIDIA A100D-40C"), None);
        assert_eq!(mig_of("1002", "74b5", "4g.40gb"), None);
        assert_eq!(mig_of("x", "20b2", "4g.40gb"), None);
    }
}
