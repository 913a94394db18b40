//! The devices of hosts as they stand: what is there, what is held, what can be made. Read for a choice and for a claim.

use super::{
    Conn,
    schema::{gpu_allocation, gpu_card, gpu_device, gpu_slice_type, host, vgpu_profile, vm},
};
use crate::{
    domain::{
        Id, catalogue,
        gpu::{
            DeviceType, Fabric, Health, ManagedState, PciAddress, ProfileKind,
            claim::{Room, Standing},
            layout::Cut,
        },
        id,
        machine::MIB,
        placement::{HostDevice, Load},
        vm::VmState,
    },
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    RunQueryDsl, TextExpressionMethods,
};
use std::collections::HashMap;

/// What the hosts of a zone have, by host.
pub(super) type ByHost<T> = HashMap<Id<id::Host>, Vec<T>>;

/// A profile and its card, as far as a MIG instance is told by them.
type Model = (ProfileKind, String, String, String);

fn mig((kind, name, vendor, device): &Model) -> Option<&'static catalogue::MigProfile> {
    (*kind == ProfileKind::Mig).then(|| catalogue::mig_of(vendor, device, name)).flatten()
}

type DeviceRow = (
    (Id<id::Host>, Id<id::GpuDevice>, Option<Id<id::GpuDevice>>, Id<id::VgpuProfile>, String),
    (DeviceType, ManagedState, Health, bool, bool, bool, Option<i32>, PciAddress),
    (Option<i32>, Option<PciAddress>, Option<PciAddress>, Option<String>),
    (Option<i32>, Option<i32>, Model, Option<i64>),
    Option<Id<id::Vm>>,
    Option<Holder>,
);

/// An instance that has devices: state, CPUs, MHz of each, MiB of memory, whether no NUMA node matters to it.
type Holder = (VmState, i32, i32, i32, Option<bool>);

/// A device of a host.
#[derive(Debug)]
pub(super) struct Found {
    /// What placement must know.
    pub(super) device: HostDevice,
    /// Its memory in MiB.
    pub(super) memory: i64,
    /// The instance that runs with it and is bound to its node.
    pub(super) bound: Option<(Id<id::Vm>, Load)>,
}

/// All devices of these hosts that are alive. One statement.
pub(super) fn devices_of(conn: &mut Conn, hosts: &[Id<id::Host>]) -> Result<ByHost<Found>> {
    let held = gpu_allocation::device_id.eq(gpu_device::id).and(gpu_allocation::active.eq(true));
    let mut query = gpu_device::table
        .inner_join(vgpu_profile::table.on(vgpu_profile::id.eq(gpu_device::profile_id)))
        .inner_join(gpu_card::table.on(gpu_card::id.eq(gpu_device::card_id)))
        .left_join(gpu_allocation::table.on(held))
        .left_join(vm::table.on(vm::id.nullable().eq(gpu_allocation::vm_id.nullable())))
        .filter(gpu_device::alive.eq(true))
        .order(gpu_device::id)
        .select((
            (
                gpu_device::host_id,
                gpu_device::id,
                gpu_device::parent_id,
                gpu_device::profile_id,
                gpu_device::address,
            ),
            (
                gpu_device::device_type,
                gpu_device::managed,
                gpu_device::health,
                gpu_device::is_ready,
                gpu_device::on_demand,
                gpu_device::draining,
                gpu_device::iommu_group,
                gpu_device::carrier,
            ),
            (
                gpu_device::numa_node,
                gpu_device::pci_switch,
                gpu_device::pci_root,
                gpu_device::ready_reason,
            ),
            (
                gpu_device::module_id,
                gpu_device::mig_start,
                (vgpu_profile::kind, vgpu_profile::name, gpu_card::vendor_id, gpu_card::device_id),
                vgpu_profile::video_ram,
            ),
            gpu_allocation::vm_id.nullable(),
            (vm::state, vm::cpu_number, vm::cpu_speed, vm::memory_mib, vm::demand.like(IGNORED))
                .nullable(),
        ))
        .into_boxed();
    query = match hosts {
        // a statement with a list is prepared anew each time
        [one] => query.filter(gpu_device::host_id.eq(one)),
        several => query.filter(gpu_device::host_id.eq_any(several)),
    };
    let rows: Vec<DeviceRow> = query.load(conn)?;
    let mut found: ByHost<Found> = HashMap::new();
    for row in rows {
        let (host, memory) = (row.0.0, row.3.3.unwrap_or_default());
        let bound = row.4.zip(row.5.and_then(load));
        found.entry(host).or_default().push(Found { device: device(row), memory, bound });
    }
    Ok(found)
}

/// How a demand says that no NUMA node matters.
const IGNORED: &str = r#"%"numa":"Ignored"%"#;

/// What the holder of a device takes of the device's node now.
fn load((state, cpus, mhz, memory, is_anywhere): Holder) -> Option<Load> {
    let number = |value: i32| u32::try_from(value).unwrap_or_default();
    let is_bound = is_anywhere == Some(false) && VmState::HOLDS_HOST.contains(&state);
    is_bound.then(|| Load {
        vcpus: number(cpus),
        mhz: number(mhz),
        memory: u64::from(number(memory)) * MIB,
    })
}

fn device(row: DeviceRow) -> HostDevice {
    let ((_, id, parent, profile, address), kind, place, (module, start, model, _), holder, _) =
        row;
    let (device_type, managed, health, is_ready, on_demand, is_draining, iommu_group, carrier) =
        kind;
    let (numa_node, pci_switch, pci_root, ready_reason) = place;
    let start = start.and_then(|start| u8::try_from(start).ok());
    let standing = Standing {
        id,
        parent,
        profile,
        device_type,
        managed,
        health,
        is_ready,
        on_demand,
        iommu_group,
        carrier,
        is_held: holder.is_some(),
        is_draining,
        module: module.and_then(|module| u8::try_from(module).ok()),
        cut: mig(&model).map(|profile| Cut { profile, start }),
        mdev: (device_type == DeviceType::MDEV).then(|| address.parse().ok()).flatten(),
    };
    let numa_node = numa_node.and_then(|node| u32::try_from(node).ok());
    HostDevice { standing, numa_node, pci_switch, pci_root, ready_reason }
}

/// What the GPUs of these hosts can be cut into, with the memory of each part in MiB. One statement.
pub(super) fn rooms_of(conn: &mut Conn, hosts: &[Id<id::Host>]) -> Result<ByHost<(Room, i64)>> {
    type Columns = (Id<id::GpuDevice>, Id<id::VgpuProfile>, PciAddress, String, i32, i32, bool);
    let mut query = gpu_slice_type::table
        .inner_join(gpu_device::table.on(gpu_device::id.eq(gpu_slice_type::device_id)))
        .inner_join(vgpu_profile::table.on(vgpu_profile::id.eq(gpu_slice_type::profile_id)))
        .inner_join(gpu_card::table.on(gpu_card::id.eq(gpu_device::card_id)))
        .filter(gpu_device::alive.eq(true))
        .order((gpu_slice_type::device_id, gpu_slice_type::carrier, gpu_slice_type::mdev_type))
        .select((
            gpu_device::host_id,
            gpu_slice_type::all_columns,
            (vgpu_profile::kind, vgpu_profile::name, gpu_card::vendor_id, gpu_card::device_id),
            vgpu_profile::video_ram,
        ))
        .into_boxed();
    query = match hosts {
        [one] => query.filter(gpu_device::host_id.eq(one)),
        several => query.filter(gpu_device::host_id.eq_any(several)),
    };
    let rows: Vec<(Id<id::Host>, Columns, Model, Option<i64>)> = query.load(conn)?;
    let mut found: ByHost<(Room, i64)> = HashMap::new();
    for (host, columns, model, memory) in rows {
        let (gpu, profile, carrier, mdev_type, capacity, gpu_capacity, is_mixed) = columns;
        let mig = mig(&model);
        let room = Room { gpu, profile, carrier, mdev_type, capacity, gpu_capacity, is_mixed, mig };
        found.entry(host).or_default().push((room, memory.unwrap_or_default()));
    }
    Ok(found)
}

/// Which GPUs of a host may be used together.
pub(super) fn fabric_of(conn: &mut Conn, which: Id<id::Host>) -> Result<Fabric> {
    let text: Option<String> =
        host::table.filter(host::id.eq(which)).select(host::fabric).first(conn)?;
    Ok(read_fabric(text.as_deref()))
}

/// Partitions as they are stored; what was stored was read before.
pub(super) fn read_fabric(text: Option<&str>) -> Fabric {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}
