//! XML that is not ours: what an instance wants added to its definition, and what the operator's hook makes of one.
//!
//! Neither may give a guest a device of the host: who holds what is decided in the books, and a definition that says
//! otherwise would be a second owner. A document type is refused, because what its entities stand for is read by libvirt
//! and not by us.

use super::{read_domain, writer::Xml};
use crate::domain::machine::SeenDomain;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// What to do instead of writing devices into XML.
const INSTEAD: &str = "GPUs are asked for by a service offering with vgpuprofileid or by gpuofferingid, and what a domain \
    holds already is taken into the books by adoptVirtualMachine";

/// One piece of a document: the depth at which it begins, and what it is.
struct Piece<'a> {
    depth: usize,
    event: Event<'a>,
}

/// The pieces of a text that is well formed; text between them and comments included.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut reader = Reader::from_str(text);
    let mut pieces = Vec::new();
    let mut depth = 0;
    loop {
        let event = reader.read_event().map_err(|error| format!("it is no XML: {error}"))?;
        match &event {
            Event::Eof if depth > 0 => return Err("it is no XML: it ends too early".to_owned()),
            Event::Eof => return Ok(pieces),
            Event::DocType(_) => return Err("it has a document type".to_owned()),
            Event::End(_) => depth -= 1,
            _ => {}
        }
        let is_start = matches!(event, Event::Start(_));
        pieces.push(Piece { depth, event });
        depth += usize::from(is_start);
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

/// Why an element would give the guest a device of the host.
fn takes_device(start: &BytesStart<'_>) -> Option<String> {
    let name = name(start);
    let value = |key: &str| {
        let attribute = start.try_get_attribute(key).ok().flatten()?;
        attribute.normalized_value(XmlVersion::Explicit1_0).ok().map(|value| value.into_owned())
    };
    let kind = value("type").unwrap_or_default();
    match (name.as_str(), kind.as_str()) {
        ("hostdev", _) => Some("a hostdev".to_owned()),
        ("interface", "hostdev") => Some("an interface of type hostdev".to_owned()),
        ("disk", "nvme") => Some("a disk of type nvme".to_owned()),
        ("arg", _) if value("value").is_some_and(|text| text.contains("vfio")) => {
            Some("an argument about vfio".to_owned())
        }
        _ => None,
    }
}

/// What takes a device of the host.
fn devices<'a>(pieces: &'a [Piece<'_>]) -> impl Iterator<Item = String> + 'a {
    pieces.iter().filter_map(|piece| match &piece.event {
        Event::Start(start) | Event::Empty(start) => takes_device(start),
        _ => None,
    })
}

/// Whether this may be added to a definition: whole elements, each of an allowed name, none of which takes a device.
pub(in crate::hypervisor::libvirt) fn check_extra(
    text: &str,
    allowed: &[String],
) -> Result<(), String> {
    let pieces = pieces(text).map_err(|why| format!("extraconfig: {why}"))?;
    if let Some(what) = devices(&pieces).next() {
        return Err(format!("extraconfig: {what} is not taken from there: {INSTEAD}"));
    }
    let mut found = false;
    for piece in &pieces {
        match &piece.event {
            Event::Start(start) | Event::Empty(start) => {
                let full = start.name().as_ref().to_owned();
                if piece.depth == 0 && !allowed.contains(&full) {
                    return Err(match allowed {
                        [] => "extraconfig is not allowed".to_owned(),
                        _ => format!(
                            "extraconfig: {full} is not allowed, only {}",
                            allowed.join(", ")
                        ),
                    });
                }
                found = true;
            }
            Event::Text(text) if piece.depth == 0 && !text.trim().is_empty() => {
                return Err("extraconfig: there is text outside of elements".to_owned());
            }
            Event::CData(_) | Event::PI(_) | Event::Decl(_) => {
                return Err("extraconfig: only elements, attributes and text are taken".to_owned());
            }
            _ => {}
        }
    }
    if found { Ok(()) } else { Err("extraconfig: there is no element in it".to_owned()) }
}

/// Adds what was checked.
pub(super) fn add(x: &mut Xml, text: &str) {
    for piece in pieces(text).unwrap_or_default() {
        let is_space = matches!(&piece.event, Event::Text(text) if text.trim().is_empty());
        if piece.depth > 0 || !is_space {
            x.copy(piece.event);
        }
    }
}

/// The names of the elements at the first level below the root, or of a fragment at depth 0.
fn names_at(text: &str, depth: usize) -> Vec<String> {
    let pieces = pieces(text).unwrap_or_default();
    let at = pieces.iter().filter(|piece| piece.depth == depth);
    let names = at.filter_map(|piece| match &piece.event {
        Event::Start(start) | Event::Empty(start) => Some(name(start)),
        _ => None,
    });
    names.collect()
}

/// The element that a definition has already and that is to be added to it.
pub(in crate::hypervisor::libvirt) fn clash(definition: &str, extra: &str) -> Option<String> {
    let ours = names_at(definition, 1);
    names_at(extra, 0).into_iter().find(|name| ours.contains(name))
}

/// Whether a changed definition is still one of the same machine with the same devices of its host.
pub(in crate::hypervisor::libvirt) fn check_changed(
    before: &str,
    after: &str,
) -> Result<(), String> {
    let count = |text: &str| Ok::<_, String>(devices(&pieces(text)?).count());
    let sorted = |text: &str| -> Result<SeenDomain, String> {
        let mut seen = read_domain(text, false)?;
        seen.pci.sort_unstable();
        seen.mdevs.sort_unstable();
        Ok(seen)
    };
    let (taken, wanted) = (count(after)?, count(before)?);
    let (old, new) = (sorted(before)?, sorted(after)?);
    if names_at(after, 0) != ["domain"] {
        return Err("it is no single domain".to_owned());
    }
    if (&new.name, new.uuid) != (&old.name, old.uuid) {
        return Err(format!("it is of {} ({}), not of {}", new.name, new.uuid, old.name));
    }
    if (&new.pci, &new.mdevs) != (&old.pci, &old.mdevs) || taken != wanted {
        return Err("its hostdevs are not those that the instance holds".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, allowed: &[&str]) -> String {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        check_extra(text, &allowed).err().unwrap_or_default()
    }

    #[test]
    fn only_allowed_elements_without_devices_are_added() {
        let good = "<memoryBacking>\n <locked/></memoryBacking>\n<memtune><hard_limit unit='G'>4</hard_limit></memtune>";
        assert_eq!(refused(good, &["memoryBacking", "memtune"]), "");
        assert_eq!(
            refused(good, &["memtune"]),
            "extraconfig: memoryBacking is not allowed, only memtune"
        );
        assert_eq!(refused("<x/>", &[]), "extraconfig is not allowed");
        let device = "<devices><hostdev mode='subsystem' type='pci'/></devices>";
        for allowed in [&[][..], &["devices"]] {
            assert!(
                refused(&format!("<x/>{device}"), allowed).contains("adoptVirtualMachine"),
                "whatever else is said"
            );
        }
        assert!(refused(device, &["devices"]).contains("a hostdev is not taken from there"));
        for (bad, why) in [
            ("<a><b></a>", "it is no XML"),
            ("<a>", "it ends too early"),
            ("<!DOCTYPE a [<!ENTITY b '<hostdev/>'>]><a>&b;</a>", "document type"),
            ("text", "text outside"),
            ("", "no element"),
            ("<a><![CDATA[<hostdev/>]]></a>", "only elements"),
            ("<a><interface type='hostdev'/></a>", "an interface of type hostdev"),
            ("<a><x:hostdev/></a>", "a hostdev"),
            ("<x:a/>", "x:a is not allowed"),
            ("</a>", "it is no XML"),
        ] {
            assert!(refused(bad, &["a"]).contains(why), "{bad}: {}", refused(bad, &["a"]));
        }
    }

    #[test]
    fn a_changed_definition_is_of_the_same_machine_with_the_same_devices() {
        let of = |name: &str, inner: &str| {
            format!(
                "<domain type='kvm'><name>{name}</name><uuid>00000000-0000-0000-0000-000000000033</uuid><devices>\
                <hostdev type='pci'><source><address domain='0x0000' bus='0x07' slot='0x00' function='0x0'/></source>\
                </hostdev>{inner}</devices></domain>"
            )
        };
        let before = of("a", "");
        let check = |after: &str| check_changed(&before, after).err().unwrap_or_default();
        let same = before
            .replace("0x0000", "0")
            .replace("<devices>", "<!-- x --><title>t</title><devices>");
        assert_eq!(check(&same), "");
        assert!(check(&of("b", "")).contains("it is of b"));
        assert!(check(&before.replace("33<", "34<")).contains("not of a"));
        for inner in [
            "<hostdev type='usb'><source><address bus='1' device='2'/></source></hostdev>",
            "<interface type='hostdev'><source><address type='pci' bus='8' slot='0' function='0'/></source></interface>",
            "<disk type='nvme'/>",
            "<arg value='vfio-pci,host=01:00.0'/>",
        ] {
            assert!(check(&of("a", inner)).contains("hostdevs"), "{inner}");
        }
        let other = before.replace("0x07", "0x08");
        let none = before.replace("<hostdev", "<x").replace("</hostdev", "</x");
        assert!(check(&other).contains("hostdevs") && check(&none).contains("hostdevs"));
        assert!(check("").contains("cannot read") && check("<a/>").contains("cannot read"));
        assert!(
            check(&before.replace("<domain", "<network").replace("/domain", "/network"))
                .contains("no single")
        );
        assert!(check(&format!("{before}{before}")).len() > 5);
        assert!(check(&format!("<!DOCTYPE x>{before}")).contains("document type"));
    }
}
