//! What one host has of one profile: what may be taken now, and why the rest may not.
//!
//! The same laws as `gpu::claim`, asked of everything at once: what is offered here is granted there, unless somebody
//! was faster.

use super::{Candidate, choose::FreeDevice};
use crate::domain::{
    Id,
    gpu::{
        DeviceType, Fabric, Health, ManagedState, PciAddress, Pick,
        claim::{Room, Standing},
        layout::{self, Cut},
    },
    id,
};

/// A device of a host, with where it sits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDevice {
    /// What it is and whether it is held.
    pub standing: Standing,
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<u32>,
    /// The switch above it.
    pub pci_switch: Option<PciAddress>,
    /// The root port above it.
    pub pci_root: Option<PciAddress>,
    /// Why it is not ready: what comes before the first colon is what is counted.
    pub ready_reason: Option<String>,
}

/// What a host has of one profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// What may be taken, slices that can be made included.
    pub free: Vec<FreeDevice>,
    /// Why each of the others may not.
    pub rest: Vec<Why>,
}

/// Why a device may not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// Somebody has it, or it is on its way back.
    Held,
    /// The host cannot give it away; why, in a few words.
    NotReady(String),
    /// The administrator keeps it.
    Unmanaged,
    /// The administrator takes it or its GPU out of use.
    Draining,
    /// Missing, quarantined or used by a stranger.
    Unhealthy(Health),
    /// It is cut into slices, or into slices of another kind.
    Cut,
    /// Its physical GPU is in use as a whole, or not healthy.
    ParentTaken,
    /// Its IOMMU group has members that are not to be had.
    Group,
    /// It is not in its host's partitions of wired GPUs.
    Unwired,
}

impl Why {
    /// As it is counted in a refusal.
    pub fn text(&self) -> String {
        match self {
            Self::Held => "too few free GPUs".into(),
            Self::NotReady(why) => format!("not ready: {why}"),
            Self::Unmanaged => "GPUs unmanaged".into(),
            Self::Draining => "GPUs being drained".into(),
            Self::Unhealthy(health) => format!("GPUs in error: {health}"),
            Self::Cut => "GPUs used in other slices".into(),
            Self::ParentTaken => "GPUs used as a whole".into(),
            Self::Unwired => "GPUs without a place in the partitions of wired GPUs".into(),
            Self::Group => "IOMMU groups shared with GPUs that are not free".into(),
        }
    }
}

/// What a host has of a profile.
pub fn stock(host: &Candidate, profile: Id<id::VgpuProfile>) -> Stock {
    let Candidate { devices, rooms, fabric, .. } = host;
    let books = Books { devices, fabric };
    let mut stock = Stock::default();
    for device in devices.iter().filter(|d| d.standing.profile == profile) {
        match books.why_not(device).or_else(|| books.group_why_not(device)) {
            Some(why) => stock.rest.push(why),
            None => stock.free.push(books.free(device)),
        }
    }
    let mut gpus: Vec<Id<id::GpuDevice>> =
        rooms.iter().filter(|r| r.profile == profile).map(|r| r.gpu).collect();
    gpus.sort_unstable();
    gpus.dedup();
    for gpu in gpus {
        let rooms: Vec<&Room> = rooms.iter().filter(|r| r.gpu == gpu).collect();
        books.slices(gpu, profile, &rooms, &mut stock);
    }
    stock
}

struct Books<'a> {
    devices: &'a [HostDevice],
    fabric: &'a Fabric,
}

impl<'a> Books<'a> {
    fn find(&self, id: Id<id::GpuDevice>) -> Option<&'a HostDevice> {
        self.devices.iter().find(|d| d.standing.id == id)
    }

    fn children(&self, gpu: Id<id::GpuDevice>) -> impl Iterator<Item = &'a Standing> {
        self.devices.iter().map(|d| &d.standing).filter(move |s| s.parent == Some(gpu))
    }

    /// What speaks against the device itself and its family.
    fn why_not(&self, device: &HostDevice) -> Option<Why> {
        let it = &device.standing;
        let parent = it.parent.and_then(|p| self.find(p)).map(|p| &p.standing);
        let is_cut =
            it.device_type == DeviceType::VGPUOnly || self.children(it.id).next().is_some();
        if it.is_held || it.on_demand {
            Some(Why::Held)
        } else if it.managed != ManagedState::Managed {
            Some(Why::Unmanaged)
        } else if it.is_draining || parent.is_some_and(|p| p.is_draining) {
            Some(Why::Draining)
        } else if it.health != Health::Ok {
            Some(Why::Unhealthy(it.health))
        } else if is_cut {
            Some(Why::Cut)
        } else if !it.is_ready {
            let reason = device.ready_reason.as_deref().unwrap_or("unknown");
            Some(Why::NotReady(reason.split(':').next().unwrap_or(reason).to_owned()))
        } else if parent.is_some_and(|p| p.is_held || p.health != Health::Ok) {
            Some(Why::ParentTaken)
        } else if it.parent.is_none() && !self.is_wired_right(it) {
            Some(Why::Unwired)
        } else {
            None
        }
    }

    /// Where GPUs are wired to each other, each has a module of its own.
    fn is_wired_right(&self, it: &Standing) -> bool {
        let same = |d: &&HostDevice| d.standing.parent.is_none() && d.standing.module == it.module;
        self.fabric.is_empty()
            || (it.module.is_some() && self.devices.iter().filter(same).count() == 1)
    }

    /// A group can only be taken whole, so each member must be to be had, as the same profile.
    fn group_why_not(&self, device: &HostDevice) -> Option<Why> {
        let is_to_be_had = |other: &&HostDevice| {
            other.standing.profile == device.standing.profile && self.why_not(other).is_none()
        };
        (!self.group(device).all(|other| is_to_be_had(&other))).then_some(Why::Group)
    }

    fn group(&self, device: &HostDevice) -> impl Iterator<Item = &'a HostDevice> {
        let group = device.standing.iommu_group;
        self.devices.iter().filter(move |d| group.is_some() && d.standing.iommu_group == group)
    }

    fn free(&self, device: &HostDevice) -> FreeDevice {
        let it = &device.standing;
        let unit = it.iommu_group.filter(|_| self.group(device).nth(1).is_some());
        FreeDevice {
            pick: Pick::Device(it.id),
            numa_node: device.numa_node,
            place: device.pci_switch.or(device.pci_root),
            gpu: it.parent,
            gpu_load: it.parent.map_or(0, |gpu| self.load(gpu)),
            unit: unit.and_then(|group| u32::try_from(group).ok()),
            module: it.module.filter(|_| it.parent.is_none() && !self.fabric.is_empty()),
        }
    }

    fn load(&self, gpu: Id<id::GpuDevice>) -> u32 {
        self.children(gpu).filter(|s| s.is_held).count() as u32
    }

    /// Slices of a profile that can still be made on one GPU.
    fn slices(
        &self,
        gpu: Id<id::GpuDevice>,
        profile: Id<id::VgpuProfile>,
        all: &[&Room],
        stock: &mut Stock,
    ) {
        let rooms: Vec<&Room> = all.iter().copied().filter(|r| r.profile == profile).collect();
        let most = rooms.iter().map(|r| count(r.gpu_capacity)).max().unwrap_or_default();
        let Some(device) = self.find(gpu) else { return };
        let it = &device.standing;
        let taken: Vec<&Standing> =
            self.children(gpu).filter(|s| s.device_type == DeviceType::MDEV).collect();
        let same = taken.iter().filter(|s| s.profile == profile).count();
        let left = most.saturating_sub(same);
        let cuts: Option<Vec<Cut>> = taken.iter().map(|s| s.cut).collect();
        let laid_out = |mig| cuts.as_ref().map_or(0, |cuts| layout::room(cuts, mig));
        let by_table = rooms.iter().find_map(|r| r.mig).map(laid_out);
        let by_table = by_table.map_or(usize::MAX, |room| room as usize);
        let room_of = |room: &&&Room| room.mig.is_some() || room.is_mixed || same == taken.len();
        let on_carriers: usize = (rooms.iter().filter(room_of))
            .map(|r| {
                let there = || taken.iter().filter(|s| s.carrier == r.carrier);
                let same = there().filter(|s| s.profile == profile).count();
                r.left(all, (same, there().count()))
            })
            .sum();
        let why = if it.managed != ManagedState::Managed {
            Why::Unmanaged
        } else if it.is_draining {
            Why::Draining
        } else if it.health != Health::Ok {
            Why::Unhealthy(it.health)
        } else if it.is_held {
            Why::ParentTaken
        } else if same < taken.len() {
            Why::Cut
        } else {
            Why::Held
        };
        let is_open = matches!(why, Why::Held | Why::Cut);
        let free = if is_open { left.min(on_carriers).min(by_table) } else { 0 };
        let slice = FreeDevice {
            pick: Pick::Slice { gpu, profile },
            gpu: Some(gpu),
            gpu_load: self.load(gpu),
            unit: None,
            module: None,
            ..self.free(device)
        };
        stock.free.extend(std::iter::repeat_n(slice, free));
        stock.rest.extend(std::iter::repeat_n(why, left - free));
    }
}

fn count(number: i32) -> usize {
    usize::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};
    use crate::domain::gpu::claim::grant;

    fn stock(devices: &[HostDevice], rooms: &[Room], profile: Id<id::VgpuProfile>) -> Stock {
        let (devices, rooms) = (devices.to_vec(), rooms.to_vec());
        super::stock(&Candidate { devices, rooms, ..host(1, []) }, profile)
    }

    fn offered(devices: &[HostDevice], rooms: &[Room]) -> usize {
        stock(devices, rooms, WHOLE).free.len()
    }

    #[test]
    fn each_reason_is_told() {
        let with = |change: fn(&mut HostDevice)| {
            let mut one = gpu(1);
            change(&mut one);
            let found = stock(&[one], &[], WHOLE);
            assert!(found.free.is_empty());
            found.rest[0].text()
        };
        assert_eq!(with(|d| d.standing.is_held = true), "too few free GPUs");
        assert_eq!(with(|d| d.standing.managed = ManagedState::Unmanaged), "GPUs unmanaged");
        assert_eq!(with(|d| d.standing.health = Health::Quarantined), "GPUs in error: Quarantined");
        assert_eq!(
            with(|d| {
                d.standing.is_ready = false;
                d.ready_reason = Some("IOMMU off: the host does not ..".into());
            }),
            "not ready: IOMMU off"
        );
        assert_eq!(
            with(|d| d.standing.device_type = DeviceType::VGPUOnly),
            "GPUs used in other slices"
        );
    }

    #[test]
    fn a_group_with_one_that_is_held_is_not_offered() {
        let mut devices = vec![gpu(1), gpu(2), gpu(3)];
        for device in &mut devices[..2] {
            device.standing.iommu_group = Some(70);
        }
        let found = stock(&devices, &[], WHOLE);
        assert_eq!(
            found.free.iter().map(|f| f.unit).collect::<Vec<_>>(),
            [Some(70), Some(70), None]
        );
        devices[1].standing.is_held = true;
        let found = stock(&devices, &[], WHOLE);
        assert_eq!((found.free.len(), found.rest), (1, vec![Why::Group, Why::Held]));
    }

    #[test]
    fn a_gpu_is_used_whole_or_in_parts() {
        let part = slice_of(&gpu(1), 11);
        assert_eq!(offered(&[gpu(1), part.clone()], &[]), 0);
        assert_eq!(stock(&[gpu(1), part.clone()], &[], QUARTER).free.len(), 1);
        let mut held = gpu(1);
        held.standing.is_held = true;
        assert_eq!(stock(&[held.clone(), part], &[], QUARTER).rest, [Why::ParentTaken]);
        assert_eq!(stock(&[held], &[room(1, 4)], QUARTER).free, []);
    }

    #[test]
    fn slices_are_offered_as_often_as_they_can_be_made() {
        let found = stock(&[gpu(1)], &[room(1, 4)], QUARTER);
        assert_eq!(found.free.len(), 4);
        let mut made = slice_of(&gpu(1), 11);
        (made.standing.is_held, made.standing.on_demand) = (true, true);
        let found = stock(&[gpu(1), made.clone()], &[room(1, 4)], QUARTER);
        assert_eq!((found.free.len(), found.free[0].gpu_load), (3, 1));
        made.standing.profile = WHOLE;
        let found = stock(&[gpu(1), made], &[room(1, 4)], QUARTER);
        assert_eq!((found.free.len(), found.rest), (0, vec![Why::Cut; 4]));
    }

    #[test]
    fn wired_gpus_need_a_module_of_their_own() {
        let mut devices = vec![gpu(1), gpu(2), gpu(3), gpu(4)];
        for (device, module) in devices.iter_mut().zip([Some(7), Some(7), None, Some(2)]) {
            device.standing.module = module;
        }
        assert_eq!(offered(&devices, &[]), 4, "they are not wired");
        let fabric = "2 7".parse().unwrap();
        let wired = Candidate { devices, fabric, ..host(1, []) };
        let found = super::stock(&wired, WHOLE);
        assert_eq!((found.free.len(), found.rest), (1, vec![Why::Unwired; 3]));
        assert_eq!(found.free[0].module, Some(2));
    }

    #[test]
    fn mig_instances_are_offered_as_the_cards_table_allows() {
        let mig = |name| crate::domain::catalogue::mig_profile("a100-80", name);
        let rooms = |name| [Room { mig: mig(name), ..room(1, 7) }];
        let mut made = slice_of(&gpu(1), 11);
        (made.standing.is_held, made.standing.on_demand) = (true, true);
        made.standing.profile = id_of(1003);
        let offered = |start, name| {
            let mut made = made.clone();
            made.standing.cut = mig("1g.10gb").map(|profile| Cut { profile, start: Some(start) });
            stock(&[gpu(1), made], &rooms(name), QUARTER).free.len()
        };
        assert_eq!((offered(0, "3g.40gb"), offered(6, "3g.40gb")), (1, 1));
        assert_eq!((offered(0, "4g.40gb"), offered(6, "4g.40gb")), (0, 1));
        assert_eq!((offered(0, "1g.10gb"), offered(0, "2g.20gb")), (6, 2));
        assert_eq!(stock(&[gpu(1), made], &rooms("1g.10gb"), QUARTER).free, [], "no instance");
    }

    #[test]
    fn all_that_is_offered_is_granted() {
        let mut made = slice_of(&gpu(1), 11);
        (made.standing.is_held, made.standing.on_demand) = (true, true);
        let devices = [gpu(1), made, gpu(2), gpu(3)];
        let standings: Vec<Standing> = devices.iter().map(|d| d.standing.clone()).collect();
        let rooms = [room(1, 4), room(2, 2)];
        for profile in [WHOLE, QUARTER] {
            let found = stock(&devices, &rooms, profile);
            let picks: Vec<Pick> = found.free.iter().map(|f| f.pick).collect();
            assert!(grant(&standings, &rooms, &Fabric::default(), &picks).is_ok(), "{picks:?}");
        }
        assert_eq!(offered(&devices, &rooms), 2);
    }
}
