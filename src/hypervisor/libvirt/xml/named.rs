//! Devices of the host that somebody names as elements `hostdev`: only where each is, nothing else is taken from there.

use crate::domain::{gpu::PciAddress, placement::Exact};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use std::ops::Range;
use uuid::Uuid;

/// What a hostdev may hold: its source is read, the rest says what the service says better.
const KNOWN: [&str; 5] = ["source", "address", "driver", "alias", "boot"];

/// A hostdev that is being read.
struct Hostdev {
    start: usize,
    depth: usize,
    is_mdev: bool,
    device: Option<Exact>,
}

/// The element `devices` that people write around them.
struct Wrapper {
    start: usize,
    has_more: bool,
}

/// What has been read of a text.
#[derive(Default)]
struct State {
    path: Vec<String>,
    hostdev: Option<Hostdev>,
    wrapper: Option<Wrapper>,
    found: Vec<Exact>,
    /// What is taken out of the text.
    taken: Vec<Range<usize>>,
}

/// The text without the elements `hostdev`, and which devices they mean.
pub(in crate::hypervisor::libvirt) fn take_devices(
    text: &str,
) -> Result<(String, Vec<Exact>), String> {
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    let at = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).unwrap_or_default();
    loop {
        let start = at(&reader);
        let event = reader.read_event().map_err(|error| format!("it is no XML: {error}"))?;
        match &event {
            Event::Eof => break,
            Event::Start(element) => state.begin(element, start)?,
            Event::Empty(element) => {
                state.begin(element, start)?;
                state.end(at(&reader))?;
            }
            Event::End(_) => state.end(at(&reader))?,
            _ => {}
        }
    }
    let mut rest = String::new();
    for (n, part) in text.char_indices() {
        if !state.taken.iter().any(|range| range.contains(&n)) {
            rest.push(part);
        }
    }
    Ok((rest, state.found))
}

fn value(element: &BytesStart<'_>, key: &str) -> Option<String> {
    let attribute = element.try_get_attribute(key).ok().flatten()?;
    attribute.normalized_value(XmlVersion::Explicit1_0).ok().map(|value| value.into_owned())
}

/// Where an element `address` says a device is.
fn address(element: &BytesStart<'_>) -> Result<PciAddress, String> {
    let part = |key: &str| {
        let text = value(element, key)?;
        Some(text.trim_start_matches("0x").to_owned())
    };
    let domain = part("domain").unwrap_or_else(|| "0".to_owned());
    let rest = part("bus").zip(part("slot")).zip(part("function").or_else(|| Some("0".to_owned())));
    let ((bus, slot), function) = rest.ok_or("a hostdev names no PCI address")?;
    format!("{domain}:{bus}:{slot}.{function}").parse()
}

/// Which mediated device an element `address` means.
fn mdev(element: &BytesStart<'_>) -> Result<Uuid, String> {
    let text = value(element, "uuid").ok_or("a hostdev names no UUID")?;
    text.trim().parse().map_err(|_| format!("a hostdev's UUID {text} is none"))
}

impl State {
    fn begin(&mut self, element: &BytesStart<'_>, start: usize) -> Result<(), String> {
        let name = element.local_name().as_ref().to_owned();
        let depth = self.path.len();
        if let Some(hostdev) = &mut self.hostdev {
            let inside = &self.path[hostdev.depth + 1..];
            if inside.is_empty() && !KNOWN.contains(&name.as_str()) {
                return Err(format!("only the source of a hostdev is taken, not its {name}"));
            }
            if inside == ["source"] && name == "address" {
                if hostdev.device.is_some() {
                    return Err("a hostdev names two addresses".to_owned());
                }
                hostdev.device = Some(match hostdev.is_mdev {
                    true => Exact::Mdev(mdev(element)?),
                    false => Exact::At(address(element)?),
                });
            }
        } else if name == "hostdev" && self.path.iter().all(|outer| outer == "devices") {
            let is = |key: &str, usual: &str| value(element, key).is_none_or(|it| it == usual);
            let is_mdev = match value(element, "type").as_deref() {
                Some("pci") if is("mode", "subsystem") => false,
                Some("mdev") if is("mode", "subsystem") => true,
                _ => return Err("a hostdev is of mode subsystem and type pci or mdev".to_owned()),
            };
            self.hostdev = Some(Hostdev { start, depth, is_mdev, device: None });
        } else if name == "devices" && depth == 0 {
            self.wrapper = Some(Wrapper { start, has_more: false });
        } else if let Some(wrapper) = &mut self.wrapper {
            wrapper.has_more = true;
        }
        self.path.push(name);
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), String> {
        self.path.pop();
        let depth = self.path.len();
        if let Some(hostdev) = self.hostdev.take_if(|hostdev| hostdev.depth == depth) {
            let what = if hostdev.is_mdev { "UUID" } else { "PCI address" };
            self.found.push(hostdev.device.ok_or_else(|| format!("a hostdev names no {what}"))?);
            self.taken.push(hostdev.start..end);
        } else if depth == 0
            && let Some(wrapper) = self.wrapper.take()
            && !wrapper.has_more
        {
            self.taken.push(wrapper.start..end);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::take_devices;

    const ONE: &str = "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>\
        <address domain='0x0000' bus='0x17' slot='0x00' function='0x0'/></source>\
        <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></hostdev>";

    fn taken(text: &str) -> (String, Vec<String>) {
        let (rest, found) = take_devices(text).unwrap();
        (rest, found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_named_is_read_and_the_rest_stays() {
        let at = |text: &str| vec![format!("GPU device {text}")];
        assert_eq!(taken(ONE), (String::new(), at("0000:17:00.0")));
        let both = format!("<memtune/>\n<devices>{ONE}\n</devices>");
        assert_eq!(taken(&both), ("<memtune/>\n".to_owned(), at("0000:17:00.0")));
        let more = format!("<devices>{ONE}<rng model='virtio'/></devices>");
        assert_eq!(taken(&more).0, "<devices><rng model='virtio'/></devices>");
        assert_eq!(taken("<memtune>é</memtune>"), ("<memtune>é</memtune>".to_owned(), vec![]));
        assert_eq!(taken(""), (String::new(), vec![]));
        let short = "<hostdev type='pci'><source><address bus='3b' slot='0'/></source></hostdev>";
        assert_eq!(taken(short).1, at("0000:3b:00.0"));
        let uuid = "c2177883-f1bb-47f0-914d-32a22e3a8804";
        let mdev = format!(
            "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci' display='off'><source>\
             <address uuid='{uuid}'/></source><address type='pci' bus='0x05' slot='0x00'/></hostdev>"
        );
        let found = vec![format!("mediated device {uuid}"), at("0000:17:00.0").remove(0)];
        assert_eq!(taken(&format!("{mdev}{ONE}")), (String::new(), found));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for (text, why) in [
            ("<hostdev type='mdev'><source/></hostdev>", "names no UUID"),
            (
                "<hostdev type='mdev'><source><address bus='1' slot='0'/></source></hostdev>",
                "no UUID",
            ),
            (
                "<hostdev type='mdev'><source><address uuid='1'/></source></hostdev>",
                "UUID 1 is none",
            ),
            ("<hostdev type='scsi'><source/></hostdev>", "type pci or mdev"),
            ("<hostdev mode='capabilities' type='pci'/>", "type pci"),
            ("<hostdev type='pci'/>", "names no PCI address"),
            (
                "<hostdev type='pci'><source><address bus='zz' slot='0'/></source></hostdev>",
                "PCI address",
            ),
            ("<hostdev type='pci'><rom file='/x'/></hostdev>", "not its rom"),
            ("<hostdev type='pci'><source>", ""),
        ] {
            let outcome = take_devices(text);
            assert!(why.is_empty() || outcome.as_ref().is_err_and(|it| it.contains(why)), "{text}");
            assert!(outcome.is_err() || outcome.is_ok_and(|(rest, _)| rest == text), "{text}");
        }
    }
}
