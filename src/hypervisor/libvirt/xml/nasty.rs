//! Whatever texts a machine holds, its definition has the same elements as that of any other, and takes the devices that
//! it was given and no others.

use super::{
    Ground,
    domain::{domain, tests::machine},
};
use crate::domain::machine::{
    DeviceRef, MachineSpec, NicLink,
    shape::{Topology, shape},
};
use proptest::prelude::*;
use quick_xml::{Reader, events::Event};

/// Bits that are something else in XML than in a text.
fn nasty() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        Just("<hostdev mode='subsystem' type='pci'/>".to_owned()),
        Just("</name><devices>".to_owned()),
        Just("\"/><hostdev".to_owned()),
        Just("'/><disk type='nvme'".to_owned()),
        Just("]]>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("<!-- ".to_owned()),
        Just(" -->".to_owned()),
        Just("&lt;hostdev/&gt;".to_owned()),
        Just("&#60;".to_owned()),
        Just("<?xml ?>".to_owned()),
        Just("<!DOCTYPE x>".to_owned()),
        any::<char>().prop_map(|letter| letter.to_string()),
        "[a-z]{0,4}".prop_map(|text| text),
    ];
    proptest::collection::vec(bit, 0..6).prop_map(|bits| bits.concat())
}

/// The names of all elements with how many attributes each has, in order.
fn skeleton(xml: &str) -> Vec<(String, usize)> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().expect("well formed") {
            Event::Eof => return found,
            Event::Start(start) | Event::Empty(start) => {
                found.push((start.name().as_ref().to_owned(), start.attributes().count()));
            }
            Event::DocType(_) | Event::CData(_) | Event::Comment(_) => panic!("{xml}"),
            _ => {}
        }
    }
}

fn document(machine: &MachineSpec) -> String {
    let ground = Ground { domain_type: "kvm".to_owned(), ..Ground::default() };
    let shape = shape(machine, &[], &Topology::default()).expect("a shape");
    domain(machine, &ground, &shape)
}

proptest! {
    #[test]
    fn texts_stay_texts(texts in proptest::collection::vec(nasty(), 12), count in 0_usize..3) {
        let devices: Vec<DeviceRef> = ["07:00.0", "08:00.0"]
            .iter()
            .take(count)
            .map(|address| DeviceRef::Pci { address: address.parse().unwrap(), companions: Vec::new() })
            .collect();
        let plain = MachineSpec { devices, ..machine() };
        let mut other = plain.clone();
        other.name.clone_from(&texts[0]);
        for (disk, text) in other.disks.iter_mut().zip(&texts[1..]) {
            disk.volume.pool.clone_from(text);
            disk.volume.volume.clone_from(text);
            disk.format.clone_from(text);
        }
        if let Some(seed) = &mut other.seed {
            seed.pool.clone_from(&texts[3]);
            seed.volume.clone_from(&texts[4]);
        }
        for nic in &mut other.nics {
            nic.mac.clone_from(&texts[5]);
            nic.link = match &nic.link {
                NicLink::Network(_) => NicLink::Network(texts[6].clone()),
                NicLink::Bridge(_) => NicLink::Bridge(texts[7].clone()),
            };
        }
        let mut plain = plain;
        plain.details = [("a".to_owned(), "b".to_owned())].into_iter().collect();
        other.details = [(texts[8].clone(), texts[9].clone())].into_iter().collect();
        let (xml, usual) = (document(&other), document(&plain));
        prop_assert_eq!(skeleton(&xml), skeleton(&usual), "{}", xml);
        let hostdevs = skeleton(&xml).iter().filter(|(name, _)| name == "hostdev").count();
        prop_assert_eq!(hostdevs, count);
    }
}
