//! Exactly these devices and no others: an administrator named them, or the definition of an instance that was made by
//! hand does. There is nothing to choose but the host, and on most hosts they are not even there.

use super::{
    Candidate, Choice, Cost, Demand, Fleet, HostClass, Refusal,
    rank::{Key, plain_key},
};
use crate::domain::{
    Id,
    gpu::{
        DeviceType, ManagedState, PciAddress, Pick,
        claim::{Standing, grant},
    },
    id,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A device that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exact {
    /// The PCI function at this address, on whichever host.
    At(PciAddress),
    /// The mediated device of this UUID, on whichever host.
    Mdev(Uuid),
    /// This one.
    Device(Id<id::GpuDevice>),
}

impl Exact {
    fn is(&self, standing: &Standing) -> bool {
        match self {
            Self::At(address) => {
                standing.carrier == *address && standing.device_type != DeviceType::MDEV
            }
            Self::Mdev(uuid) => standing.mdev == Some(*uuid),
            Self::Device(device) => standing.id == *device,
        }
    }
}

impl std::fmt::Display for Exact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(address) => write!(f, "GPU device {address}"),
            Self::Mdev(uuid) => write!(f, "mediated device {uuid}"),
            Self::Device(device) => write!(f, "GPU device {device}"),
        }
    }
}

/// What is to be taken on this host, by the same laws as everything else.
fn picks(exact: &[Exact], on: &Candidate) -> Result<Vec<Pick>, String> {
    let mut picks = Vec::with_capacity(exact.len());
    for one in exact {
        let found = on.devices.iter().map(|device| &device.standing).find(|it| one.is(it));
        let it = found.ok_or_else(|| format!("without {one}"))?;
        if it.is_held {
            return Err(format!("{one} is held by another instance or on its way back"));
        }
        if it.managed != ManagedState::Managed {
            return Err(format!("{one} is unmanaged"));
        }
        picks.push(Pick::Device(it.id));
    }
    let standings: Vec<Standing> = on.devices.iter().map(|it| it.standing.clone()).collect();
    grant(&standings, &on.rooms, &on.fabric, &picks)?;
    Ok(picks)
}

impl Fleet {
    /// The hosts that have these devices and can give them, best first; or why none can.
    pub(super) fn choose_exact(&self, demand: &Demand) -> Result<Vec<Choice>, Refusal> {
        let mut found: Vec<(Key, Choice)> = Vec::new();
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for candidate in self.hosts() {
            match exact_on(demand, candidate) {
                Ok(choice) => {
                    found.push((Key::new(demand, plain_key(true), candidate), choice));
                }
                Err(why) => *reasons.entry(why).or_default() += 1,
            }
        }
        if found.is_empty() {
            return Err(refusal(demand, reasons));
        }
        found.sort_unstable_by_key(|(key, _)| *key);
        Ok(found.into_iter().map(|(_, choice)| choice).collect())
    }
}

fn exact_on(demand: &Demand, candidate: &Candidate) -> Result<Choice, String> {
    // that the devices are elsewhere is what most hosts are told
    let picks = picks(&demand.exact, candidate)?;
    let why = candidate.class.why_not(&demand.needs);
    let why = why.or_else(|| demand.host_why_not(candidate.host).map(str::to_owned));
    let why = why.or_else(|| demand.room_why_not(candidate).map(str::to_owned));
    if let Some(why) = why {
        return Err(why);
    }
    let devices = candidate.devices.iter();
    let taken = devices.filter(|it| picks.contains(&Pick::Device(it.standing.id)));
    let mut numa_nodes: Vec<u32> = taken.filter_map(|it| it.numa_node).collect();
    numa_nodes.sort_unstable();
    numa_nodes.dedup();
    Ok(Choice {
        host: candidate.host,
        alternative: None,
        picks,
        numa_nodes,
        cost: Cost::default(),
        pool: demand.needs.disk.as_ref().and_then(|disk| disk.pool(candidate)),
    })
}

fn refusal(demand: &Demand, reasons: BTreeMap<String, usize>) -> Refusal {
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let hosts = reasons.iter().map(|(_, hosts)| hosts).sum();
    let shape = "all hosts".to_owned();
    Refusal {
        wanted: super::refusal::wanted(demand).into(),
        hosts,
        classes: vec![HostClass { shape, hosts, reasons: reasons.clone() }],
        reasons,
        nearest: Vec::new(),
        left: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};
    use crate::domain::placement::Mix;

    fn at(number: u8) -> Exact {
        Exact::At(gpu(number).standing.carrier)
    }

    fn fleet(hosts: impl IntoIterator<Item = Candidate>) -> Fleet {
        let mut fleet = Fleet::new(Mix::default());
        hosts.into_iter().for_each(|host| fleet.put(host));
        fleet
    }

    #[test]
    fn these_devices_and_no_others_are_taken() {
        let mut fleet = fleet([host(1, 1..=2), host(2, 1..=8)]);
        let demand = Demand { exact: vec![at(5), at(2)], ..want(0) };
        let found = fleet.choose(&demand).unwrap();
        assert_eq!((found.len(), found[0].host), (1, id_of(2)));
        assert_eq!(found[0].picks, [Pick::Device(id_of(5)), Pick::Device(id_of(2))]);
        assert_eq!(found[0].numa_nodes, [0, 1]);
        let device = Demand { exact: vec![Exact::Device(id_of(1))], ..want(0) };
        let hosts: Vec<_> = fleet.choose(&device).unwrap().iter().map(|c| c.host).collect();
        assert_eq!(hosts, [id_of(1), id_of(2)], "in order of preference");
        let (choices, place) = fleet.pick(&device, |host| host != id_of(1)).unwrap();
        assert_eq!(choices[place].host, id_of(2));
    }

    #[test]
    fn a_mediated_device_is_told_by_its_uuid() {
        let (whole, mut cut) = (host(1, 1..=2), host(2, 1..=2));
        cut.devices.extend([slice_of(&gpu(1), 11), slice_of(&gpu(1), 12)]);
        let named = |number| {
            let exact = vec![Exact::Mdev(Uuid::from_u128(number))];
            Demand { exact, ..want(0) }
        };
        let mut fleet = fleet([whole, cut.clone()]);
        let found = fleet.choose(&named(12)).unwrap();
        assert_eq!(
            (found[0].host, &found[0].picks[..]),
            (id_of(2), &[Pick::Device(id_of(12))][..])
        );
        let refusal = fleet.choose(&named(13)).unwrap_err();
        assert_eq!(
            refusal.reasons,
            [(format!("without mediated device {}", Uuid::from_u128(13)), 2)]
        );
        // one that was made for an instance waits for its removal
        cut.devices[3].standing.on_demand = true;
        fleet.put(cut);
        let refusal = fleet.choose(&named(12)).unwrap_err();
        assert!(refusal.for_admins().contains("waits for its removal"), "{}", refusal.for_admins());
    }

    #[test]
    fn why_they_cannot_be_had_is_said() {
        let mut hosts = [host(1, 1..=2), host(2, 1..=2), host(3, 1..=2), host(4, [7])];
        hosts[0].devices[0].standing.is_held = true;
        hosts[1].devices[0].standing.managed = ManagedState::Unmanaged;
        for device in &mut hosts[2].devices {
            device.standing.iommu_group = Some(9);
        }
        let demand = Demand { exact: vec![at(1)], ..want(0) };
        let refusal = fleet(hosts).choose(&demand).unwrap_err();
        let name = &demand.exact[0].to_string();
        let whys: Vec<&str> = refusal.reasons.iter().map(|(why, _)| why.as_str()).collect();
        assert_eq!(refusal.hosts, 4);
        for part in [
            format!("{name} is held by another instance or on its way back"),
            format!("{name} is unmanaged"),
            format!("without {name}"),
        ] {
            assert!(whys.contains(&part.as_str()), "{whys:?}");
        }
        assert!(whys.iter().any(|why| why.contains("shares IOMMU group 9")), "{whys:?}");
        assert!(refusal.wanted.starts_with(name.as_str()), "{}", refusal.wanted);
    }
}
