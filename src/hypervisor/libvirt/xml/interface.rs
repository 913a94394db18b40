//! `<interface>`: virtio network cards on a libvirt network or on a bridge of the host.

use super::writer::Xml;
use crate::domain::machine::{NicLink, NicSpec};

/// One network card.
pub(super) fn interface(x: &mut Xml, nic: &NicSpec) {
    let (kind, attribute, name) = match &nic.link {
        NicLink::Network(name) => ("network", "network", name),
        NicLink::Bridge(name) => ("bridge", "bridge", name),
    };
    x.nest("interface", &[("type", kind)], |x| {
        x.leaf("mac", &[("address", &nic.mac)]);
        x.leaf("source", &[(attribute, name)]);
        x.leaf("model", &[("type", "virtio")]);
    });
}
