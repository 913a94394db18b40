//! The last word before a device is given away: may these be taken, now, all of them?
//!
//! Placement proposes from a snapshot; this is asked again under the host's lock, with what is true there. It knows
//! the laws: one owner, an IOMMU group has one owner, a physical GPU is used whole or in slices.

use super::{
    DeviceType, Fabric, Health, ManagedState, PciAddress,
    fabric::Modules,
    layout::{self, Cut},
};
use crate::domain::{Id, catalogue::MigProfile, id};
use std::collections::HashMap;
use uuid::Uuid;

/// One thing that placement picked.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Pick {
    /// A device that exists.
    Device(Id<id::GpuDevice>),
    /// A slice that is to be made.
    Slice {
        /// The physical GPU.
        gpu: Id<id::GpuDevice>,
        /// What it becomes.
        profile: Id<id::VgpuProfile>,
    },
}

/// A device of the host as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub id: Id<id::GpuDevice>,
    /// The physical GPU it is a part of.
    pub parent: Option<Id<id::GpuDevice>>,
    /// How it consumes its card.
    pub profile: Id<id::VgpuProfile>,
    /// How it is attached.
    pub device_type: DeviceType,
    /// The administrator's switch.
    pub managed: ManagedState,
    /// Whether it can be trusted.
    pub health: Health,
    /// Whether the host is ready to give it.
    pub is_ready: bool,
    /// Whether we made it and remove it.
    pub on_demand: bool,
    /// Its IOMMU group.
    pub iommu_group: Option<i32>,
    /// The PCI function itself, or the one that carries it.
    pub carrier: PciAddress,
    /// Whether an allocation of it is active.
    pub is_held: bool,
    /// Whether it gets no new instance.
    pub is_draining: bool,
    /// Which module of its host's fabric it is.
    pub module: Option<u8>,
    /// What of its card it covers, when it is a MIG instance.
    pub cut: Option<Cut>,
    /// The UUID by which its host knows it, when it is a mediated device.
    pub mdev: Option<Uuid>,
}

/// How many slices of one kind one function can carry, existing ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The physical GPU.
    pub gpu: Id<id::GpuDevice>,
    /// The slice's profile.
    pub profile: Id<id::VgpuProfile>,
    /// The function that would carry it.
    pub carrier: PciAddress,
    /// The type's id on the host.
    pub mdev_type: String,
    /// The most on this function.
    pub capacity: i32,
    /// The most on the whole GPU.
    pub gpu_capacity: i32,
    /// Whether it may stand beside slices of another profile.
    pub is_mixed: bool,
    /// What of the card a slice covers, when it is a MIG instance: then the card's table says what may be mixed.
    pub mig: Option<&'static MigProfile>,
}

impl Room {
    /// How many more of it its function carries beside these `(same, all)` slices there, by what the host told last.
    ///
    /// The host tells for each type how many more there may be, so what is of other types is in that number already
    /// where a function carries several. A virtual function carries one slice of whatever type: there all count, as
    /// they do on a card that is shared in time.
    pub fn left(&self, rooms: &[&Self], (same, all): (usize, usize)) -> usize {
        let carries_several =
            || all > 1 || rooms.iter().any(|it| it.carrier == self.carrier && it.capacity > 1);
        let used = if self.mig.is_some() && carries_several() { same } else { all };
        usize::try_from(self.capacity).unwrap_or_default().saturating_sub(used)
    }
}

/// A pick that may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// This device.
    Device(Id<id::GpuDevice>),
    /// A slice, on this function.
    Slice {
        /// The physical GPU.
        gpu: Id<id::GpuDevice>,
        /// The slice's profile.
        profile: Id<id::VgpuProfile>,
        /// The function that will carry it.
        carrier: PciAddress,
        /// The type's id on the host.
        mdev_type: String,
        /// Where on the card it starts, when it is a MIG instance.
        start: Option<u8>,
    },
}

/// Whether all picks may be taken together; the error says what stands in the way of which.
pub fn grant(
    standings: &[Standing],
    rooms: &[Room],
    fabric: &Fabric,
    picks: &[Pick],
) -> Result<Vec<Granted>, String> {
    let books = Books { all: standings.iter().map(|s| (s.id, s)).collect(), rooms };
    books.partition(fabric, picks)?;
    let mut granted: Vec<Granted> = Vec::with_capacity(picks.len());
    for pick in picks {
        let next = match *pick {
            Pick::Device(id) => books.device(id, picks).map(|()| Granted::Device(id)),
            Pick::Slice { gpu, profile } => books.slice(gpu, profile, picks, &granted),
        }?;
        if matches!(next, Granted::Device(_)) && granted.contains(&next) {
            return Err("a device was picked twice".to_owned());
        }
        granted.push(next);
    }
    Ok(granted)
}

struct Books<'a> {
    all: HashMap<Id<id::GpuDevice>, &'a Standing>,
    rooms: &'a [Room],
}

impl Books<'_> {
    fn find(&self, id: Id<id::GpuDevice>) -> Result<&Standing, String> {
        self.all.get(&id).copied().ok_or_else(|| format!("device {id} is not on this host"))
    }

    fn children(&self, gpu: Id<id::GpuDevice>) -> impl Iterator<Item = &Standing> {
        self.all.values().copied().filter(move |s| s.parent == Some(gpu))
    }

    /// Whole GPUs that are wired to each other: exactly one partition.
    fn partition(&self, fabric: &Fabric, picks: &[Pick]) -> Result<(), String> {
        if fabric.is_empty() {
            return Ok(());
        }
        let mut modules = Modules::default();
        for pick in picks {
            let Pick::Device(id) = pick else { continue };
            let it = self.find(*id)?;
            if it.parent.is_some() {
                continue;
            }
            let one = it.module.map(Modules::one).unwrap_or_default();
            if one.is_empty() || modules.contains(one) {
                return Err(format!("device {id} has no module of its own among the wired GPUs"));
            }
            modules = modules.and(one);
        }
        if fabric.allows(modules) {
            return Ok(());
        }
        Err(format!("modules {modules} are no partition of the host's wired GPUs"))
    }

    /// A device that exists: itself, its family, its group.
    fn device(&self, id: Id<id::GpuDevice>, picks: &[Pick]) -> Result<(), String> {
        let it = self.find(id)?;
        fit(it)?;
        if it.on_demand {
            return Err(format!("device {id} is a slice that waits for its removal"));
        }
        if !it.is_ready {
            return Err(format!("device {id} is not ready"));
        }
        if let Some(parent) = it.parent.and_then(|parent| self.all.get(&parent)) {
            if parent.is_held {
                return Err(format!("device {id} is a part of one that is in use as a whole"));
            }
            if parent.health != Health::Ok || parent.is_draining {
                return Err(format!("the GPU of device {id} is {} or drained", parent.health));
            }
        }
        let is_cut = picks.iter().any(|p| matches!(p, Pick::Slice { gpu, .. } if *gpu == id));
        if is_cut || self.children(id).next().is_some() {
            return Err(format!("device {id} is used in slices"));
        }
        let Some(group) = it.iommu_group else { return Ok(()) };
        let left_behind = self.all.values().find(|other| {
            other.iommu_group == Some(group) && !picks.contains(&Pick::Device(other.id))
        });
        match left_behind {
            Some(other) => {
                Err(format!("device {id} shares IOMMU group {group} with device {}", other.id))
            }
            None => Ok(()),
        }
    }

    /// A slice to be made: on a GPU that is not used whole, beside slices it gets along with, where there is room.
    fn slice(
        &self,
        gpu: Id<id::GpuDevice>,
        profile: Id<id::VgpuProfile>,
        picks: &[Pick],
        granted: &[Granted],
    ) -> Result<Granted, String> {
        let it = self.find(gpu)?;
        if it.managed != ManagedState::Managed || it.health != Health::Ok || it.is_draining {
            return Err(format!("GPU {gpu} is {}, {} or drained", it.managed, it.health));
        }
        if it.is_held || picks.contains(&Pick::Device(gpu)) {
            return Err(format!("GPU {gpu} is in use as a whole"));
        }
        let mut rooms = self.rooms.iter().filter(|r| r.gpu == gpu && r.profile == profile);
        let mut taken: Vec<Taken> = self
            .children(gpu)
            .filter(|s| s.device_type == DeviceType::MDEV)
            .map(|s| Taken { profile: s.profile, carrier: s.carrier, cut: s.cut })
            .collect();
        taken.extend(granted.iter().filter_map(|g| self.taken(gpu, g)));
        let same = taken.iter().filter(|it| it.profile == profile).count();
        let all: Vec<&Room> = self.rooms.iter().filter(|r| r.gpu == gpu).collect();
        let carries = |room: &Room| {
            let there = || taken.iter().filter(|it| it.carrier == room.carrier);
            (there().filter(|it| it.profile == profile).count(), there().count())
        };
        let fits = |room: &&Room| {
            let goes_along = match room.mig {
                Some(mig) => beside(&taken, |cuts| layout::start(cuts, mig)).is_some(),
                None => room.is_mixed || same == taken.len(),
            };
            goes_along && below(same, room.gpu_capacity) && room.left(&all, carries(room)) > 0
        };
        let room =
            rooms.find(fits).ok_or_else(|| format!("GPU {gpu} has no room for the slice"))?;
        let start = room.mig.and_then(|mig| beside(&taken, |cuts| layout::start(cuts, mig)));
        let (carrier, mdev_type) = (room.carrier, room.mdev_type.clone());
        Ok(Granted::Slice { gpu, profile, carrier, mdev_type, start })
    }

    /// What a slice granted before this one takes of the same GPU.
    fn taken(&self, of: Id<id::GpuDevice>, granted: &Granted) -> Option<Taken> {
        match *granted {
            Granted::Slice { gpu, profile, carrier, start, .. } if gpu == of => {
                let room = self.rooms.iter().find(|r| r.gpu == gpu && r.profile == profile);
                let mig = room.and_then(|room| room.mig);
                Some(Taken { profile, carrier, cut: mig.map(|profile| Cut { profile, start }) })
            }
            _ => None,
        }
    }
}

/// A slice that is there.
struct Taken {
    profile: Id<id::VgpuProfile>,
    carrier: PciAddress,
    cut: Option<Cut>,
}

/// Asks the card's table, unless something else than MIG instances lies on the card.
fn beside<T>(taken: &[Taken], ask: impl Fn(&[Cut]) -> Option<T>) -> Option<T> {
    let cuts: Option<Vec<Cut>> = taken.iter().map(|it| it.cut).collect();
    ask(&cuts?)
}

fn below(count: usize, most: i32) -> bool {
    usize::try_from(most).is_ok_and(|most| count < most)
}

/// What is true of the device alone.
fn fit(it: &Standing) -> Result<(), String> {
    if it.is_held {
        Err(format!("device {} is in use", it.id))
    } else if it.managed != ManagedState::Managed {
        Err(format!("device {} is {}", it.id, it.managed))
    } else if it.is_draining {
        Err(format!("device {} is drained", it.id))
    } else if it.health != Health::Ok {
        Err(format!("device {} is {}", it.id, it.health))
    } else if it.device_type == DeviceType::VGPUOnly {
        Err(format!("device {} is used only in slices", it.id))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(all: &[Standing], rooms: &[Room], picks: &[Pick]) -> Result<Vec<Granted>, String> {
        super::grant(all, rooms, &Fabric::default(), picks)
    }

    fn device(n: u8) -> Standing {
        let carrier = PciAddress { domain: 0, bus: n, slot: 0, function: 0 };
        Standing {
            id: Id::mint(),
            parent: None,
            profile: Id::mint(),
            device_type: DeviceType::PCI,
            managed: ManagedState::Managed,
            health: Health::Ok,
            is_ready: true,
            on_demand: false,
            iommu_group: Some(i32::from(n)),
            carrier,
            is_held: false,
            is_draining: false,
            module: None,
            cut: None,
            mdev: None,
        }
    }

    fn child(of: &Standing) -> Standing {
        let (id, profile) = (Id::mint(), Id::mint());
        let device_type = DeviceType::MDEV;
        Standing { id, profile, device_type, parent: Some(of.id), iommu_group: None, ..of.clone() }
    }

    fn room(of: &Standing, profile: Id<id::VgpuProfile>, most: i32) -> Room {
        Room {
            gpu: of.id,
            profile,
            carrier: of.carrier,
            mdev_type: "nvidia-222".to_owned(),
            capacity: most,
            gpu_capacity: most,
            is_mixed: false,
            mig: None,
        }
    }

    fn whole(all: &[Standing], picked: &[usize]) -> bool {
        let picks: Vec<Pick> = picked.iter().map(|&n| Pick::Device(all[n].id)).collect();
        grant(all, &[], &picks).is_ok()
    }

    #[test]
    fn a_free_managed_ready_device_is_granted_once() {
        let all = [device(1), device(2)];
        assert!(whole(&all, &[0]) && whole(&all, &[0, 1]));
        assert!(!whole(&all, &[0, 0]));
    }

    #[test]
    fn whatever_speaks_against_a_device_refuses_it() {
        let base = device(1);
        let cases = [
            Standing { is_held: true, ..base.clone() },
            Standing { managed: ManagedState::Unmanaged, ..base.clone() },
            Standing { is_draining: true, ..base.clone() },
            Standing { health: Health::Missing, ..base.clone() },
            Standing { health: Health::Quarantined, ..base.clone() },
            Standing { health: Health::Foreign, ..base.clone() },
            Standing { device_type: DeviceType::VGPUOnly, ..base.clone() },
            Standing { is_ready: false, ..base.clone() },
            Standing { on_demand: true, ..base.clone() },
        ];
        for case in cases {
            assert!(
                grant(std::slice::from_ref(&case), &[], &[Pick::Device(base.id)]).is_err(),
                "{case:?}"
            );
        }
        assert!(grant(&[], &[], &[Pick::Device(base.id)]).is_err());
    }

    #[test]
    fn a_group_travels_together_or_not_at_all() {
        let first = device(1);
        let second = Standing { iommu_group: Some(1), ..device(2) };
        let all = [first, second, device(3)];
        assert!(!whole(&all, &[0]) && !whole(&all, &[1, 2]));
        assert!(whole(&all, &[0, 1]) && whole(&all, &[2, 1, 0]));
    }

    #[test]
    fn of_wired_gpus_exactly_one_partition_is_granted() {
        let all: Vec<Standing> =
            (1..=4).map(|n| Standing { module: Some(5 - n), ..device(n) }).collect();
        let fabric: Fabric = "1,2 3,4 1 2 3 4".parse().unwrap();
        let granted = |picked: &[usize]| {
            let picks: Vec<Pick> = picked.iter().map(|&n| Pick::Device(all[n].id)).collect();
            super::grant(&all, &[], &fabric, &picks).is_ok()
        };
        assert!(granted(&[0, 1]) && granted(&[3, 2]) && granted(&[1]));
        assert!(!granted(&[1, 2]) && !granted(&[0, 1, 2, 3]) && !granted(&[0, 0]));
        let loose = [Standing { module: None, ..device(9) }];
        let pick = [Pick::Device(loose[0].id)];
        assert!(super::grant(&loose, &[], &fabric, &pick).is_err());
    }

    #[test]
    fn a_gpu_is_used_whole_or_in_parts() {
        let gpu = device(1);
        let part = child(&gpu);
        assert!(!whole(&[gpu.clone(), part.clone()], &[0]));
        assert!(whole(&[gpu.clone(), part.clone()], &[1]));
        let held = Standing { is_held: true, ..gpu.clone() };
        assert!(!whole(&[held.clone(), part], &[1]));
        let profile = Id::mint();
        let slice = [Pick::Slice { gpu: gpu.id, profile }];
        let rooms = [room(&gpu, profile, 2)];
        assert!(grant(&[held], &rooms, &slice).is_err());
        assert!(grant(std::slice::from_ref(&gpu), &rooms, &slice).is_ok());
        let both = [slice[0], Pick::Device(gpu.id)];
        assert!(grant(&[gpu], &rooms, &both).is_err());
    }

    #[test]
    fn slices_fill_what_room_there_is_and_no_more() {
        let gpu = device(1);
        let profile = Id::mint();
        let rooms = [room(&gpu, profile, 2)];
        let slice = Pick::Slice { gpu: gpu.id, profile };
        assert!(grant(std::slice::from_ref(&gpu), &rooms, &[slice; 2]).is_ok());
        assert!(grant(std::slice::from_ref(&gpu), &rooms, &[slice; 3]).is_err());
        let made = Standing { profile, on_demand: true, is_held: true, ..child(&gpu) };
        assert!(grant(&[gpu.clone(), made.clone()], &rooms, &[slice]).is_ok());
        assert!(grant(&[gpu, made], &rooms, &[slice; 2]).is_err());
    }

    #[test]
    fn slices_of_two_profiles_meet_only_where_the_host_mixes_them() {
        let gpu = device(1);
        let profile = Id::mint();
        let other = child(&gpu);
        let slice = [Pick::Slice { gpu: gpu.id, profile }];
        let rooms = room(&gpu, profile, 4);
        assert!(
            grant(&[gpu.clone(), other.clone()], std::slice::from_ref(&rooms), &slice).is_err()
        );
        let rooms = Room { is_mixed: true, ..rooms };
        assert!(grant(&[gpu, other], &[rooms], &slice).is_ok());
    }

    #[test]
    fn mig_instances_are_laid_out_by_the_cards_table() {
        let gpu = device(1);
        let mig = |name| crate::domain::catalogue::mig_profile("a100-80", name);
        let [small, half, large] = [(); 3].map(|()| Id::mint());
        let rooms = [
            Room { mig: mig("1g.10gb"), ..room(&gpu, small, 7) },
            Room { mig: mig("3g.40gb"), ..room(&gpu, half, 2) },
            Room { mig: mig("4g.40gb"), ..room(&gpu, large, 1) },
        ];
        let rooms = rooms.map(|room| Room { capacity: 9, ..room });
        let slice = |profile| Pick::Slice { gpu: gpu.id, profile };
        let granted = |beside: Option<u8>, picks: &[Pick]| {
            let cut = mig("1g.10gb").map(|profile| Cut { profile, start: beside });
            let made = Standing { profile: small, cut, on_demand: true, ..child(&gpu) };
            let all = [gpu.clone(), made];
            let found = grant(&all[..if beside.is_some() { 2 } else { 1 }], &rooms, picks).ok()?;
            let start = |it: &Granted| match it {
                Granted::Slice { start, .. } => start.unwrap(),
                Granted::Device(_) => unreachable!(),
            };
            Some(found.iter().map(start).collect::<Vec<u8>>())
        };
        assert_eq!(granted(None, &[slice(small), slice(large)]), Some(vec![6, 0]));
        assert_eq!(granted(Some(6), &[slice(large)]), Some(vec![0]));
        assert_eq!(granted(Some(0), &[slice(large)]), None, "it lies in the way");
        assert_eq!(granted(Some(0), &[slice(half), slice(small)]), Some(vec![4, 1]));
        assert_eq!(granted(None, &[slice(large), slice(half), slice(small)]), None);
        // what the host told while the small one was there counts it already; a virtual function carries one of any
        let told = |capacity| {
            let [small, ..] = &rooms;
            let told =
                [Room { capacity, ..small.clone() }, Room { capacity: 1, ..rooms[1].clone() }];
            let cut = mig("1g.10gb").map(|profile| Cut { profile, start: Some(6) });
            let made = Standing { profile: small.profile, cut, on_demand: true, ..child(&gpu) };
            grant(&[gpu.clone(), made], &told, &[slice(half)]).is_ok()
        };
        assert!(told(4) && !told(1));
        // time-shared slices do not go along with instances
        let other = Standing { on_demand: true, ..child(&gpu) };
        assert!(grant(&[gpu.clone(), other], &rooms, &[slice(small)]).is_err());
    }
}
