//! What administrators change of devices by hand, each under the lock of the device's host: nobody can claim meanwhile.

use super::{
    Conn, Tx, alert, clock,
    gpu_claim::{lock_host, make_whole},
    gpu_inventory::retire,
    gpu_reset::BEING_RESET,
    host::touch,
    is_duplicate,
    schema::{gpu_allocation, gpu_device, vgpu_profile},
};
use crate::{
    domain::{
        Id,
        alert::GPU_QUARANTINED,
        gpu::{DeviceType, Health, ManagedState, PciAddress},
        id,
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper, insert_into, update,
};

/// A device to enter by hand.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Its id.
    pub id: Id<id::GpuDevice>,
    /// Where it is.
    pub host: Id<id::Host>,
    /// Its card.
    pub card: Id<id::GpuCard>,
    /// How it consumes its card.
    pub profile: Id<id::VgpuProfile>,
    /// The physical GPU it is a part of.
    pub parent: Option<Id<id::GpuDevice>>,
    /// How it is attached.
    pub device_type: DeviceType,
    /// Its canonical bus address.
    pub address: String,
    /// The PCI function itself; `None`: that of its parent.
    pub function: Option<PciAddress>,
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<i32>,
}

/// What to correct of a device; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    /// Its card.
    pub card: Option<Id<id::GpuCard>>,
    /// How it consumes its card.
    pub profile: Option<Id<id::VgpuProfile>>,
    /// How it is attached.
    pub device_type: Option<DeviceType>,
    /// The physical GPU it is a part of.
    pub parent: Option<Id<id::GpuDevice>>,
    /// NUMA node.
    pub numa_node: Option<Option<i32>>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = gpu_device)]
struct Row {
    id: Id<id::GpuDevice>,
    host_id: Id<id::Host>,
    card_id: Id<id::GpuCard>,
    profile_id: Id<id::VgpuProfile>,
    parent_id: Option<Id<id::GpuDevice>>,
    device_type: DeviceType,
    carrier: PciAddress,
    managed: ManagedState,
    health: Health,
    health_reason: Option<String>,
}

/// A device and who holds it.
type Standing = (Row, Option<Id<id::Vm>>);

/// Locks the hosts of these devices, in order of id; whoever looked at them before will see that they changed. Error:
/// invalid, when no device is named.
pub(super) fn lock_hosts_of(tx: &mut Tx<'_>, devices: &[Id<id::GpuDevice>]) -> Result<()> {
    if devices.is_empty() {
        return Err(Error::invalid("GPU device IDs cannot be empty"));
    }
    let mut hosts: Vec<Id<id::Host>> = gpu_device::table
        .filter(gpu_device::id.eq_any(devices).and(gpu_device::alive.eq(true)))
        .select(gpu_device::host_id)
        .distinct()
        .load(&mut **tx)?;
    hosts.sort();
    for host in hosts {
        lock_host(tx, host)?;
        touch(tx, host)?;
    }
    Ok(())
}

/// These devices, with their holders, under the locks of their hosts (in order of id).
fn locked(tx: &mut Tx<'_>, ids: &[Id<id::GpuDevice>]) -> Result<Vec<Standing>> {
    lock_hosts_of(tx, ids)?;
    let rows = standing(tx, ids)?;
    let mut others = rows.iter().map(|(row, _)| row);
    if let Some(row) = others.find(|row| row.health_reason.as_deref() == Some(BEING_RESET)) {
        return Err(Error::Conflict(format!("GPU device {} is being reset", row.id)));
    }
    match ids.iter().find(|id| !rows.iter().any(|(row, _)| row.id == **id)) {
        Some(gone) => Err(Error::NotFound { what: "GPU device", id: gone.to_string() }),
        None => Ok(rows),
    }
}

fn standing(conn: &mut Conn, ids: &[Id<id::GpuDevice>]) -> Result<Vec<Standing>> {
    let is_held = gpu_allocation::device_id.eq(gpu_device::id).and(gpu_allocation::active.eq(true));
    Ok(gpu_device::table
        .left_join(gpu_allocation::table.on(is_held))
        .filter(gpu_device::id.eq_any(ids).and(gpu_device::alive.eq(true)))
        .order(gpu_device::id)
        .select((Row::as_select(), gpu_allocation::vm_id.nullable()))
        .load(conn)?)
}

/// The ids of the parts of these devices that are alive.
fn parts(conn: &mut Conn, of: &[Id<id::GpuDevice>]) -> Result<Vec<Id<id::GpuDevice>>> {
    let parts = gpu_device::parent_id.eq_any(of.iter().map(|id| Some(*id)));
    Ok(gpu_device::table
        .filter(parts.and(gpu_device::alive.eq(true)))
        .select(gpu_device::id)
        .load(conn)?)
}

/// Turns the administrator's switch of all these devices, or of none. To manage one that was unmanaged is the
/// administrator's word for it: a quarantine ends. Error: in use, when an instance holds one.
pub fn set_managed(
    tx: &mut Tx<'_>,
    ids: &[Id<id::GpuDevice>],
    managed: ManagedState,
) -> Result<()> {
    let rows = locked(tx, ids)?;
    let verb = if managed == ManagedState::Managed { "enable" } else { "disable" };
    if let Some((row, Some(vm))) = rows.iter().find(|(_, vm)| vm.is_some()) {
        return Err(Error::InUse(format!(
            "Failed to {verb} GPU device: Cannot change resource state of GPU device {} as it is in use by VM {vm}",
            row.id
        )));
    }
    let vouched: Vec<_> = rows
        .iter()
        .filter(|(row, _)| managed == ManagedState::Managed && row.managed != managed)
        .filter(|(row, _)| row.health == Health::Quarantined)
        .map(|(row, _)| row.id)
        .collect();
    update(gpu_device::table.filter(gpu_device::id.eq_any(ids)))
        .set(gpu_device::managed.eq(managed))
        .execute(&mut **tx)?;
    if vouched.is_empty() {
        return Ok(());
    }
    // a slice of ours that is still there is from now on one that was made beforehand
    update(gpu_device::table.filter(gpu_device::id.eq_any(&vouched)))
        .set((
            gpu_device::health.eq(Health::Ok),
            gpu_device::health_reason.eq(None::<String>),
            gpu_device::since.eq(clock()),
            gpu_device::on_demand.eq(false),
        ))
        .execute(&mut **tx)?;
    let vouched: Vec<_> = vouched.iter().map(|id| id.uuid()).collect();
    alert::resolve_many(tx, GPU_QUARANTINED, &vouched)
}

/// Takes all these devices out of the books, or none. Error: in use, when an instance holds one or a part of one, or
/// when parts of one would be left behind.
pub fn remove(tx: &mut Tx<'_>, ids: &[Id<id::GpuDevice>]) -> Result<()> {
    let rows = locked(tx, ids)?;
    if let Some((row, Some(vm))) = rows.iter().find(|(_, vm)| vm.is_some()) {
        return Err(Error::InUse(format!(
            "Failed to delete GPU device: Cannot delete GPU device {} as it is currently allocated to VM {vm}",
            row.id
        )));
    }
    if let Some(part) = parts(tx, ids)?.iter().find(|part| !ids.contains(part)) {
        return Err(Error::InUse(format!(
            "Failed to delete GPU device: GPU device {part} is a part of one of these devices, delete it with them"
        )));
    }
    for (row, _) in &rows {
        retire(tx, row.id)?;
    }
    let mut gpus: Vec<_> = rows.iter().filter_map(|(row, _)| row.parent_id).collect();
    gpus.sort();
    gpus.dedup();
    gpus.into_iter().filter(|gpu| !ids.contains(gpu)).try_for_each(|gpu| make_whole(tx, gpu))
}

/// Enters a device. It is not ready before a probe has seen it. Its parent is used only in parts from now on.
pub fn create(tx: &mut Tx<'_>, new: &NewDevice) -> Result<()> {
    lock_host(tx, new.host)?;
    touch(tx, new.host)?;
    check_profile(tx, new.profile, new.card)?;
    let parent = match new.parent {
        Some(parent) => Some(check_parent(tx, new.id, parent, new.host)?),
        None if new.device_type == DeviceType::MDEV => {
            return Err(Error::invalid(
                "an MDEV device needs parentgpudeviceid: the GPU that carries it",
            ));
        }
        None => None,
    };
    let carrier = new.function.or(parent.as_ref().map(|row| row.carrier));
    let carrier = carrier.ok_or_else(|| Error::internal("a device without a function"))?;
    insert_into(gpu_device::table)
        .values((
            gpu_device::id.eq(new.id),
            gpu_device::host_id.eq(new.host),
            gpu_device::card_id.eq(new.card),
            gpu_device::profile_id.eq(new.profile),
            gpu_device::parent_id.eq(new.parent),
            gpu_device::address.eq(&new.address),
            gpu_device::device_type.eq(new.device_type),
            gpu_device::carrier.eq(carrier),
            gpu_device::numa_node.eq(new.numa_node),
            gpu_device::managed.eq(ManagedState::Managed),
            gpu_device::health.eq(Health::Ok),
            gpu_device::is_ready.eq(false),
            gpu_device::ready_reason.eq("entered by hand: the host has not shown it yet"),
            gpu_device::since.eq(clock()),
        ))
        .execute(&mut **tx)
        .map_err(|error| {
            let error = Error::from(error);
            if is_duplicate(&error) {
                let (at, host) = (&new.address, new.host);
                Error::Conflict(format!("GPU device {at} already exists on host {host}"))
            } else {
                error
            }
        })?;
    parent.map_or(Ok(()), |row| cut(tx, row.id))
}

/// The parent is consumed through its parts.
fn cut(tx: &mut Tx<'_>, gpu: Id<id::GpuDevice>) -> Result<()> {
    update(gpu_device::table.filter(gpu_device::id.eq(gpu)))
        .set(gpu_device::device_type.eq(DeviceType::VGPUOnly))
        .execute(&mut **tx)?;
    Ok(())
}

fn check_profile(
    conn: &mut Conn,
    profile: Id<id::VgpuProfile>,
    card: Id<id::GpuCard>,
) -> Result<()> {
    let found: Vec<Id<id::GpuCard>> = vgpu_profile::table
        .filter(vgpu_profile::id.eq(profile).and(vgpu_profile::alive.eq(true)))
        .select(vgpu_profile::card_id)
        .load(conn)?;
    if found.first() == Some(&card) {
        return Ok(());
    }
    Err(Error::Invalid(format!("vGPU profile {profile} does not belong to GPU card {card}")))
}

/// A parent is a whole GPU of the same host that nobody holds; there are two levels and no more.
fn check_parent(
    conn: &mut Conn,
    child: Id<id::GpuDevice>,
    parent: Id<id::GpuDevice>,
    host: Id<id::Host>,
) -> Result<Row> {
    let bad = |why: &str| Err(Error::Invalid(format!("parent GPU device {parent} {why}")));
    let Some((row, holder)) = standing(conn, &[parent])?.pop() else {
        return bad("does not exist");
    };
    if row.host_id != host {
        return bad("is on another host");
    }
    if row.id == child {
        return bad("is the device itself");
    }
    if row.parent_id.is_some() || row.device_type == DeviceType::MDEV {
        return bad("is a part of a GPU itself");
    }
    match holder {
        Some(vm) => Err(Error::InUse(format!(
            "parent GPU device {parent} is currently allocated to VM {vm} as a whole"
        ))),
        None => Ok(row),
    }
}

#[derive(Default, AsChangeset)]
#[diesel(table_name = gpu_device)]
struct Columns {
    card_id: Option<Id<id::GpuCard>>,
    profile_id: Option<Id<id::VgpuProfile>>,
    device_type: Option<DeviceType>,
    parent_id: Option<Option<Id<id::GpuDevice>>>,
    numa_node: Option<Option<i32>>,
}

/// Corrects a device. Error: in use, when an instance holds it or a part of it.
pub fn correct(tx: &mut Tx<'_>, id: Id<id::GpuDevice>, correction: &Correction) -> Result<()> {
    let mut rows = locked(tx, &[id])?;
    let Some((row, holder)) = rows.pop() else { return Ok(()) };
    let parts = parts(tx, &[id])?;
    let holder = holder.or(standing(tx, &parts)?.into_iter().find_map(|(_, vm)| vm));
    if let Some(vm) = holder {
        return Err(Error::InUse(format!(
            "Cannot update GPU device {id} as it is currently allocated to VM {vm}"
        )));
    }
    let (card, profile) =
        (correction.card.unwrap_or(row.card_id), correction.profile.unwrap_or(row.profile_id));
    if (card, profile) != (row.card_id, row.profile_id) {
        check_profile(tx, profile, card)?;
    }
    let kind = correction.device_type.unwrap_or(row.device_type);
    if (kind == DeviceType::MDEV) != (row.device_type == DeviceType::MDEV) {
        return Err(Error::invalid(
            "a mediated device has another kind of address: delete the device and create it anew",
        ));
    }
    if kind == DeviceType::PCI && !parts.is_empty() {
        return Err(Error::Invalid(format!("GPU device {id} has parts, it stays VGPUOnly")));
    }
    if let Some(parent) = correction.parent {
        if !parts.is_empty() {
            return Err(Error::Invalid(format!("GPU device {id} has parts, it cannot be one")));
        }
        check_parent(tx, id, parent, row.host_id)?;
        cut(tx, parent)?;
    }
    let columns = Columns {
        card_id: correction.card,
        profile_id: correction.profile,
        device_type: correction.device_type,
        parent_id: correction.parent.map(Some),
        numa_node: correction.numa_node,
    };
    let is_empty = correction.card.is_none()
        && correction.profile.is_none()
        && correction.device_type.is_none()
        && correction.parent.is_none()
        && correction.numa_node.is_none();
    if !is_empty {
        update(gpu_device::table.filter(gpu_device::id.eq(id))).set(columns).execute(&mut **tx)?;
    }
    match row.parent_id.filter(|old| correction.parent.is_some_and(|new| new != *old)) {
        Some(old) => make_whole(tx, old),
        None => Ok(()),
    }
}
