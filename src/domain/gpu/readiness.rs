//! Whether a device can be given to an instance as it is; if not, why, and what an operator does about it.
//!
//! The verdict is about the device itself, as a whole. A physical GPU whose host driver must stay (because it makes
//! slices) may be "not ready" as a whole while its slices are fine: slices are judged by themselves.
//! Not judged, because libvirt does not tell: the reset method, and whether the firmware booted on this display.

use super::{PciAddress, observed::LinkFacts};

/// Whether a device can be given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It can.
    Ready,
    /// It cannot, for these reasons.
    NotReady(Vec<Reason>),
}

/// A verdict and what is not as it should be but stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Whether it can be given away.
    pub verdict: Verdict,
    /// What an operator should know all the same.
    pub warnings: Vec<Reason>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A few words that are equal on equal cases, for counting: `IOMMU off`.
    pub short: &'static str,
    /// The sentence.
    pub sentence: String,
    /// What to do about it.
    pub hint: String,
}

/// What is known about the host as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostConditions {
    /// Whether the host says that its IOMMU is on.
    pub iommu: bool,
    /// Whether it is a host of libvirt's test driver: it says "no IOMMU" and knows no drivers, so a device's group
    /// is enough there and any driver will do.
    pub is_test: bool,
}

/// What the verdict on one device rests on.
#[derive(Debug, Clone, Default)]
pub struct Evidence<'a> {
    /// The device's IOMMU group.
    pub iommu_group: Option<u32>,
    /// The bound driver.
    pub driver: Option<&'a str>,
    /// Functions of its group that cannot travel with it: address and what it is.
    pub foreign: Vec<(PciAddress, String)>,
    /// The PCIe link.
    pub link: Option<LinkFacts>,
    /// Drivers the operator vouches for.
    pub trusted_drivers: &'a [String],
}

/// Drivers whose removal from a device hangs or fails while anything on the host uses it.
const CLINGING: [&str; 2] = ["nvidia", "nouveau"];

/// Drivers that let go as a rule, though a process of the host that uses the device can be in the way.
const BUSY: [&str; 5] = ["amdgpu", "radeon", "i915", "xe", "ast"];

/// The verdict on a PCI function.
pub fn judge(evidence: &Evidence<'_>, host: HostConditions) -> Assessment {
    let mut stops = Vec::new();
    if !host.iommu && !host.is_test {
        stops.push(Reason {
            short: "IOMMU off",
            sentence: "the host does not translate device addresses: its IOMMU is off".into(),
            hint: "switch on VT-d or AMD-Vi in the firmware and boot with intel_iommu=on or amd_iommu=on".into(),
        });
    } else if evidence.iommu_group.is_none() {
        stops.push(Reason {
            short: "no IOMMU group",
            sentence: "the device is in no IOMMU group".into(),
            hint: "look for DMAR or AMD-Vi errors in the host's kernel log; the slot may not be behind the IOMMU".into(),
        });
    }
    stops.extend(shared_group(evidence));
    let mut warnings: Vec<Reason> = evidence.link.and_then(degraded).into_iter().collect();
    if let Some(driver) = evidence.driver.filter(|_| !host.is_test) {
        let is_trusted = evidence.trusted_drivers.iter().any(|t| t == driver);
        if CLINGING.contains(&driver) && !is_trusted {
            stops.push(clinging(driver));
        } else if BUSY.contains(&driver) && !is_trusted {
            warnings.push(busy(driver));
        }
    }
    let verdict = if stops.is_empty() { Verdict::Ready } else { Verdict::NotReady(stops) };
    Assessment { verdict, warnings }
}

fn shared_group(evidence: &Evidence<'_>) -> Option<Reason> {
    let (first, _) = evidence.foreign.first()?;
    let members: Vec<String> =
        evidence.foreign.iter().map(|(address, what)| format!("{address} ({what})")).collect();
    let group = evidence.iommu_group.unwrap_or_default();
    Some(Reason {
        short: "IOMMU group shared",
        sentence: format!("IOMMU group {group} also holds {}", members.join(", ")),
        hint: format!(
            "move the card or {first} to another slot, or switch on ACS in the firmware, so that they get groups of their own"
        ),
    })
}

/// A physical GPU whose virtual functions exist cannot be given away whole, whatever else is true of it.
pub fn virtual_functions_on(count: usize) -> Reason {
    Reason {
        short: "used in slices",
        sentence: format!("{count} virtual functions of the device are switched on"),
        hint: "it is consumed through them; to give it away whole, write 0 to its sriov_numvfs"
            .into(),
    }
}

fn clinging(driver: &str) -> Reason {
    Reason {
        short: "driver bound",
        sentence: format!("the host's driver {driver} is bound and may not let go of the device"),
        hint: format!(
            "bind the device to vfio-pci at boot (vfio-pci ids= on the kernel command line), or add {driver} to the trusted drivers"
        ),
    }
}

fn busy(driver: &str) -> Reason {
    Reason {
        short: "host driver",
        sentence: format!("the host's driver {driver} is bound; it is taken off at start"),
        hint: "nothing on the host may use the device; binding it to vfio-pci at boot makes sure"
            .into(),
    }
}

/// A link in words: tenths of GT/s, lanes.
pub(super) fn speed((speed, width): (u32, u32)) -> String {
    match speed % 10 {
        0 => format!("{} GT/s x{width}", speed / 10),
        tenths => format!("{}.{tenths} GT/s x{width}", speed / 10),
    }
}

fn degraded(link: LinkFacts) -> Option<Reason> {
    let LinkFacts { capable, actual } = link;
    if actual.1 < capable.1 {
        return Some(Reason {
            short: "link narrow",
            sentence: format!("the PCIe link runs at {}, not at {}", speed(actual), speed(capable)),
            hint: "seat the card again and check riser and slot: the slot may have fewer lanes"
                .into(),
        });
    }
    (actual.0 < capable.0).then(|| Reason {
        short: "link slow",
        sentence: format!("the PCIe link runs at {}, not at {}", speed(actual), speed(capable)),
        hint: "an idle GPU may slow its link to save power; if it stays so under load, check slot and riser".into(),
    })
}

impl Assessment {
    /// Ready, nothing to say.
    pub const fn ready() -> Self {
        Self { verdict: Verdict::Ready, warnings: Vec::new() }
    }
    /// One more reason against it, the first to be told.
    pub fn stop(&mut self, reason: Reason) {
        match &mut self.verdict {
            Verdict::Ready => self.verdict = Verdict::NotReady(vec![reason]),
            Verdict::NotReady(reasons) => reasons.insert(0, reason),
        }
    }
    /// Whether the device can be given away.
    pub const fn is_ready(&self) -> bool {
        matches!(self.verdict, Verdict::Ready)
    }
    /// Why not, as one text for people; `None`: it is ready.
    pub fn stop_text(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Ready => None,
            Verdict::NotReady(reasons) => Some(text(reasons)),
        }
    }
    /// The few words of the first reason; `None`: it is ready.
    #[cfg(test)]
    pub(super) fn stop_short(&self) -> Option<&'static str> {
        match &self.verdict {
            Verdict::Ready => None,
            Verdict::NotReady(reasons) => reasons.first().map(|r| r.short),
        }
    }
    /// The warnings as one text for people; `None`: there are none.
    pub fn warning_text(&self) -> Option<String> {
        if self.warnings.is_empty() { None } else { Some(text(&self.warnings)) }
    }
}

fn text(reasons: &[Reason]) -> String {
    let one = |r: &Reason| format!("{}: {} ({})", r.short, r.sentence, r.hint);
    reasons.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: HostConditions = HostConditions { iommu: true, is_test: false };
    const TEST: HostConditions = HostConditions { iommu: false, is_test: true };

    fn good<'a>() -> Evidence<'a> {
        Evidence { iommu_group: Some(7), driver: Some("vfio-pci"), ..Evidence::default() }
    }

    fn short(evidence: &Evidence<'_>, host: HostConditions) -> Option<&'static str> {
        judge(evidence, host).stop_short()
    }

    #[test]
    fn a_free_device_in_its_own_group_is_ready() {
        assert!(judge(&good(), REAL).is_ready());
        assert!(judge(&Evidence { driver: None, ..good() }, REAL).is_ready());
        assert!(judge(&Evidence { driver: Some("bochs-drm"), ..good() }, REAL).is_ready());
    }

    #[test]
    fn each_fault_has_its_reason_and_a_hint() {
        let off = HostConditions { iommu: false, is_test: false };
        assert_eq!(short(&good(), off), Some("IOMMU off"));
        assert_eq!(short(&Evidence { iommu_group: None, ..good() }, REAL), Some("no IOMMU group"));
        assert_eq!(
            short(&Evidence { driver: Some("nvidia"), ..good() }, REAL),
            Some("driver bound")
        );
        let nic = ("01:00.0".parse().unwrap(), "network controller".into());
        let shared = judge(&Evidence { foreign: vec![nic], ..good() }, REAL);
        assert_eq!(
            shared.stop_text().unwrap(),
            "IOMMU group shared: IOMMU group 7 also holds 0000:01:00.0 (network controller) (move the card or \
             0000:01:00.0 to another slot, or switch on ACS in the firmware, so that they get groups of their own)"
        );
    }

    #[test]
    fn the_operator_can_vouch_for_a_driver() {
        let trusted = ["nvidia".to_owned()];
        let evidence = Evidence { driver: Some("nvidia"), trusted_drivers: &trusted, ..good() };
        assert!(judge(&evidence, REAL).is_ready());
    }

    #[test]
    fn the_test_driver_needs_a_group_only() {
        assert!(judge(&Evidence { driver: Some("nvidia"), ..good() }, TEST).is_ready());
        assert_eq!(short(&Evidence { iommu_group: None, ..good() }, TEST), Some("no IOMMU group"));
    }

    #[test]
    fn a_downgraded_link_warns_and_stops_nothing() {
        let link = |actual| Some(LinkFacts { capable: (160, 16), actual });
        let narrow = judge(&Evidence { link: link((160, 8)), ..good() }, REAL);
        assert!(narrow.is_ready());
        assert!(narrow.warning_text().unwrap().contains("16 GT/s x8, not at 16 GT/s x16"));
        let slow = judge(&Evidence { link: link((25, 16)), ..good() }, REAL);
        assert!(slow.warning_text().unwrap().contains("2.5 GT/s x16"));
        let full = judge(&Evidence { link: link((160, 16)), ..good() }, REAL);
        assert_eq!(full.warning_text(), None);
    }
}
