//! Where a host and the books disagree: who uses a device, whether it is there, and what changed about it.
//!
//! Nothing here is put right by itself. What a host says of a device's group and driver is written into the books, or they
//! could not be worked with, but what they said before stays beside it as what is expected, until the host shows that
//! again or an administrator accepts the change.

use super::{
    Change, Diff, Drift, Health, KnownDevice, Observed, observed::LinkFacts, readiness::speed,
};
use crate::domain::{Id, alert::AlertType, alert::GPU_DRIFT, id};
use std::collections::HashMap;

text_enum! {
    /// What they disagree about.
    DriftKind {
        /// A domain uses a device that nobody holds.
        Foreign,
        /// A domain uses a device that an instance holds.
        UsedByOther,
        /// The instance that holds a device runs without it.
        NotAttached,
        /// The host does not show the device any more.
        Gone,
        /// The device is in another IOMMU group.
        IommuGroup,
        /// The PCIe link runs below what it can do.
        Link,
        /// Another driver of the host is bound.
        Driver,
    }
}

impl DriftKind {
    /// The alert it is told by; `None`: the device's health has its own.
    pub const fn alert(self) -> Option<AlertType> {
        match self {
            Self::Foreign | Self::Gone => None,
            Self::UsedByOther | Self::NotAttached => Some(GPU_DRIFT),
            Self::IommuGroup | Self::Link | Self::Driver => Some(GPU_DRIFT),
        }
    }

    /// Whether an administrator may take what is seen for right.
    pub const fn may_be_accepted(self) -> bool {
        matches!(self, Self::IommuGroup | Self::Link | Self::Driver)
    }
}

/// One disagreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The device.
    pub device: Id<id::GpuDevice>,
    /// What about.
    pub kind: DriftKind,
    /// What the books say, or said before.
    pub expected: String,
    /// What the host shows.
    pub seen: String,
    /// The domain that uses it.
    pub domain: Option<String>,
}

/// What a host's link does when nothing uses it, to save power: no downgrade.
const IDLE_SPEED: u32 = 25;

/// All disagreements after a look at a host. `diff` is what the look led to, `open` what was disagreed about before.
pub fn disagreements(
    known: &[KnownDevice],
    observed: &[Observed],
    diff: &Diff,
    open: &[Disagreement],
) -> Vec<Disagreement> {
    let seen: HashMap<&str, &Observed> =
        observed.iter().map(|one| (one.address.as_str(), one)).collect();
    let mut found: Vec<Disagreement> = diff.drift.iter().map(about_use).collect();
    for device in known {
        if diff.changes.iter().any(|c| matches!(c, Change::Retire { id, .. } if *id == device.id)) {
            continue;
        }
        let view = View { device, diff, open };
        found.extend(view.gone());
        match seen.get(device.address.as_str()).filter(|seen| device.is_same(seen)) {
            Some(seen) => found.extend(seen.link.and_then(|link| view.link(link))),
            None => found.extend(view.before(DriftKind::Link).cloned()),
        }
        found.extend(view.changed(DriftKind::IommuGroup));
        found.extend(view.changed(DriftKind::Driver));
    }
    found
}

fn about_use(drift: &Drift) -> Disagreement {
    let (kind, device, expected, seen, domain) = match drift {
        Drift::Foreign { id, used_by } => {
            (DriftKind::Foreign, *id, "used by nobody".to_owned(), used_by, Some(used_by))
        }
        Drift::UsedByOther { id, holder, used_by } => {
            (DriftKind::UsedByOther, *id, format!("instance {holder}"), used_by, Some(used_by))
        }
        Drift::NotAttached { id, holder } => {
            let (expected, seen) = (format!("instance {holder}"), "it runs without the device");
            let seen = seen.to_owned();
            return Disagreement {
                device: *id,
                kind: DriftKind::NotAttached,
                expected,
                seen,
                domain: None,
            };
        }
    };
    Disagreement { device, kind, expected, seen: format!("domain {seen}"), domain: domain.cloned() }
}

/// One device with what became of it.
struct View<'a> {
    device: &'a KnownDevice,
    diff: &'a Diff,
    open: &'a [Disagreement],
}

impl View<'_> {
    fn before(&self, kind: DriftKind) -> Option<&Disagreement> {
        self.open.iter().find(|one| one.device == self.device.id && one.kind == kind)
    }

    fn say(&self, kind: DriftKind, expected: String, seen: String) -> Disagreement {
        Disagreement { device: self.device.id, kind, expected, seen, domain: None }
    }

    fn gone(&self) -> Option<Disagreement> {
        let mine = self.device.id;
        let (mut is_gone, mut why) = (self.device.health == Health::Missing, None);
        for change in &self.diff.changes {
            match change {
                Change::MarkMissing { id, reason, .. } if *id == mine => {
                    (is_gone, why) = (true, Some((*reason).to_owned()));
                }
                Change::Returned { id } if *id == mine => is_gone = false,
                _ => {}
            }
        }
        let why = why.or_else(|| self.before(DriftKind::Gone).map(|one| one.seen.clone()));
        let why = why.unwrap_or_else(|| "the host no longer shows it".to_owned());
        is_gone.then(|| self.say(DriftKind::Gone, self.device.address.clone(), why))
    }

    fn link(&self, link: LinkFacts) -> Option<Disagreement> {
        let LinkFacts { capable, actual } = link;
        let is_slow = actual.0 < capable.0 && actual.0 > IDLE_SPEED;
        (actual.1 < capable.1 || is_slow)
            .then(|| self.say(DriftKind::Link, speed(capable), speed(actual)))
    }

    /// What the books say after the look, beside what they said before it first changed.
    fn changed(&self, kind: DriftKind) -> Option<Disagreement> {
        let patch = self.diff.changes.iter().find_map(|change| match change {
            Change::Update { id, patch } if *id == self.device.id => Some(patch),
            _ => None,
        });
        let facts = &self.device.facts;
        let group = |group: Option<u32>| group.map(|number| number.to_string());
        let (old, new) = match kind {
            DriftKind::IommuGroup => {
                (group(facts.iommu_group), patch.and_then(|patch| patch.iommu_group).map(group))
            }
            _ => (facts.driver.clone(), patch.and_then(|patch| patch.driver.clone())),
        };
        let now = new.unwrap_or_else(|| old.clone());
        // what was not known before is learned, and so is the driver of one that was first seen in a guest
        let is_guests = self.device.health == Health::Foreign && old.as_deref() == Some("vfio-pci");
        let old = old.filter(|_| !is_guests);
        let expected = self.before(kind).map(|one| one.expected.clone()).or(old)?;
        let now = now.unwrap_or_else(|| "none".to_owned());
        (now != expected).then(|| self.say(kind, expected, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gpu::{Patch, samples::*};

    fn link(capable: (u32, u32), actual: (u32, u32)) -> Option<(String, String)> {
        let devices = seen(vec![a100("07:00.0")], vec![]);
        let observed = look(&devices).devices;
        let device = known(&observed[0]);
        let view = View { device: &device, diff: &Diff::default(), open: &[] };
        view.link(LinkFacts { capable, actual }).map(|one| (one.expected, one.seen))
    }

    fn known(seen: &Observed) -> KnownDevice {
        KnownDevice {
            id: Id::mint(),
            address: seen.address.clone(),
            parent: None,
            vendor_id: seen.card.vendor_id,
            device_id: seen.card.device_id,
            kind: seen.profile.kind,
            mdev_type: None,
            device_type: seen.device_type,
            on_demand: false,
            facts: super::super::Facts::from(seen),
            health: Health::Ok,
            is_being_reset: false,
            missed: 0,
            slices: Vec::new(),
        }
    }

    #[test]
    fn a_narrow_or_slow_link_is_told_and_one_that_sleeps_is_not() {
        let told = |expected: &str, seen: &str| Some((expected.to_owned(), seen.to_owned()));
        assert_eq!(link((160, 16), (160, 16)), None);
        assert_eq!(link((160, 16), (25, 16)), None);
        assert_eq!(link((160, 16), (160, 8)), told("16 GT/s x16", "16 GT/s x8"));
        assert_eq!(link((160, 16), (25, 8)), told("16 GT/s x16", "2.5 GT/s x8"));
        assert_eq!(link((160, 16), (80, 16)), told("16 GT/s x16", "8 GT/s x16"));
    }

    #[test]
    fn what_was_expected_is_remembered_until_it_is_so_again() {
        let observed = look(&seen(vec![a100("07:00.0")], vec![])).devices;
        let mut device = known(&observed[0]);
        device.facts.driver = Some("nvidia".to_owned());
        let to = |driver: Option<&str>| {
            let patch = Patch { driver: Some(driver.map(str::to_owned)), ..Patch::default() };
            let id = device.id;
            Diff { changes: vec![Change::Update { id, patch: Box::new(patch) }], ..Diff::default() }
        };
        let all = |device: &KnownDevice, diff: &Diff, open: &[Disagreement]| {
            disagreements(std::slice::from_ref(device), &observed, diff, open)
        };
        let first = all(&device, &to(Some("nouveau")), &[]);
        assert_eq!((&*first[0].expected, &*first[0].seen), ("nvidia", "nouveau"));
        let mut later = device.clone();
        later.facts.driver = Some("nouveau".to_owned());
        assert_eq!(all(&later, &Diff::default(), &first), first, "nothing new");
        let third = all(&later, &to(None), &first);
        assert_eq!((&*third[0].expected, &*third[0].seen), ("nvidia", "none"));
        assert_eq!(all(&later, &to(Some("nvidia")), &first), []);
        assert_eq!(all(&later, &Diff::default(), &[]), [], "accepted: the books say so too");
    }
}
