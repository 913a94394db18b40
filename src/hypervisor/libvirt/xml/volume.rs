//! `<volume>`: an empty disk, an overlay of a template, or room for an upload.

use super::writer::Xml;
use crate::domain::machine::NewVolume;

/// The definition of a volume. `base`: the path and format of the volume it is an overlay of.
pub(in crate::hypervisor::libvirt) fn volume(
    volume: &NewVolume,
    base: Option<(&str, &str)>,
) -> String {
    Xml::document("volume", &[], |x| {
        x.text("name", &[], &volume.volume.volume);
        x.text("capacity", &[("unit", "bytes")], &volume.capacity.to_string());
        x.text("allocation", &[("unit", "bytes")], "0");
        x.nest("target", &[], |x| x.leaf("format", &[("type", &volume.format)]));
        if let Some((path, format)) = base {
            x.nest("backingStore", &[], |x| {
                x.text("path", &[], path);
                x.leaf("format", &[("type", format)]);
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::machine::VolumeRef;

    #[test]
    fn each_shape_has_its_document() {
        let new = NewVolume {
            volume: VolumeRef { pool: "csgpu".into(), volume: "root-33".into() },
            format: "qcow2".into(),
            capacity: 10 << 30,
            base: Some(("template-1".into(), "qcow2".into())),
        };
        let base = Some(("/srv/csgpu/template-1", "qcow2"));
        super::super::golden("volume_overlay.xml", &volume(&new, base));
        super::super::golden("volume_empty.xml", &volume(&new, None));
    }
}
