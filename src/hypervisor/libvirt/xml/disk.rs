//! `<disk>`: virtio disks that lie in a pool, and the read-only seed disk.

use super::writer::Xml;
use crate::domain::machine::{DiskSpec, VolumeRef};

/// The n-th disk of a machine.
pub(super) fn disk(x: &mut Xml, index: usize, disk: &DiskSpec) {
    volume_disk(x, index, &disk.volume, &disk.format, false);
}

/// The cloud-init seed: found by its label, whatever its place.
pub(super) fn seed(x: &mut Xml, index: usize, volume: &VolumeRef) {
    volume_disk(x, index, volume, "raw", true);
}

fn volume_disk(x: &mut Xml, index: usize, volume: &VolumeRef, format: &str, read_only: bool) {
    x.nest("disk", &[("type", "volume"), ("device", "disk")], |x| {
        let driver = [("name", "qemu"), ("type", format), ("cache", "none"), ("discard", "unmap")];
        x.leaf("driver", &driver[..if read_only { 2 } else { 4 }]);
        x.leaf("source", &[("pool", &volume.pool), ("volume", &volume.volume)]);
        x.leaf("target", &[("dev", &letter(index)), ("bus", "virtio")]);
        if read_only {
            x.leaf("readonly", &[]);
        } else if index == 0 {
            x.leaf("boot", &[("order", "1")]);
        }
    });
}

/// `vda`, `vdb`, .. `vdz`, `vdaa`, ..
fn letter(mut index: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'a' + (index % 26) as u8));
        if index < 26 {
            return format!("vd{name}");
        }
        index = index / 26 - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(
            (letter(0), letter(25), letter(26)),
            ("vda".into(), "vdz".into(), "vdaa".into())
        );
    }
}
