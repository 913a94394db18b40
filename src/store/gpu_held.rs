//! What an instance holds, with all that its host must be told to attach it and to prove it clean.

use super::{
    Conn,
    gpu_inventory::read_addresses,
    prepared::prepared,
    schema::{gpu_allocation, gpu_card, gpu_device},
};
use crate::{
    domain::{
        Id, Time,
        gpu::{AllocationState, DeviceType, PciAddress},
        id,
        machine::DeviceRef,
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl,
    QueryableByName, RunQueryDsl, sql_types::Text,
};
use uuid::Uuid;

/// A device that an instance holds, with all that a host must be told of it.
#[derive(Debug, Clone)]
pub struct HeldDevice {
    /// The device.
    pub device: Id<id::GpuDevice>,
    /// Who holds it.
    pub vm: Id<id::Vm>,
    /// Where it is.
    pub host: Id<id::Host>,
    /// The physical GPU it is a part of.
    pub parent: Option<Id<id::GpuDevice>>,
    /// Where its allocation is in its life.
    pub state: AllocationState,
    /// For the machine's definition and for the proof.
    pub reference: DeviceRef,
    /// PCI vendor id that the proof must read; of a virtual function that of its card.
    pub vendor_id: u16,
    /// PCI device id that the proof must read; of a virtual function that of its card.
    pub device_id: u16,
    /// The driver that was bound before.
    pub driver: Option<String>,
    /// NUMA node; `None`: unknown.
    pub numa_node: Option<i32>,
    /// Its profile.
    pub profile: Id<id::VgpuProfile>,
}

/// What a host must be told of a device that nobody holds.
#[derive(Debug, Clone)]
pub struct Described {
    /// The device.
    pub reference: DeviceRef,
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// The bound driver.
    pub driver: Option<String>,
}

type Row = (
    (Id<id::GpuDevice>, Id<id::Host>, Option<Id<id::GpuDevice>>),
    (DeviceType, String, PciAddress, Option<String>, bool, Option<String>),
    (Option<String>, Option<i32>, Id<id::VgpuProfile>),
    (String, String),
);

/// What a [`Row`] is made of.
macro_rules! columns {
    () => {
        (
            (gpu_device::id, gpu_device::host_id, gpu_device::parent_id),
            (
                gpu_device::device_type,
                gpu_device::address,
                gpu_device::carrier,
                gpu_device::mdev_type,
                gpu_device::on_demand,
                gpu_device::companions,
            ),
            (gpu_device::driver, gpu_device::numa_node, gpu_device::profile_id),
            (gpu_card::vendor_id, gpu_card::device_id),
        )
    };
}

/// What an instance holds now, in the order of its machine. One statement.
pub fn held_by(conn: &mut Conn, vm: Id<id::Vm>) -> Result<Vec<HeldDevice>> {
    let rows: Vec<(Row, AllocationState)> = gpu_allocation::table
        .inner_join(gpu_device::table.on(gpu_device::id.eq(gpu_allocation::device_id)))
        .inner_join(gpu_card::table.on(gpu_card::id.eq(gpu_device::card_id)))
        .filter(gpu_allocation::vm_id.eq(vm).and(gpu_allocation::active.eq(true)))
        .order((gpu_allocation::position, gpu_allocation::id))
        .select((columns!(), gpu_allocation::state))
        .load(conn)?;
    rows.into_iter().map(|(row, state)| held(vm, state, row)).collect()
}

/// What an instance held when it last held anything, in the order of its machine. Two statements.
pub fn last_held(conn: &mut Conn, vm: Id<id::Vm>) -> Result<Vec<Id<id::GpuDevice>>> {
    let when = gpu_allocation::table
        .filter(gpu_allocation::vm_id.eq(vm))
        .order(gpu_allocation::reserved.desc())
        .select(gpu_allocation::reserved)
        .first::<Time>(conn)
        .optional()?;
    let Some(when) = when else { return Ok(Vec::new()) };
    Ok(gpu_allocation::table
        .filter(gpu_allocation::vm_id.eq(vm).and(gpu_allocation::reserved.eq(when)))
        .order((gpu_allocation::position, gpu_allocation::id))
        .select(gpu_allocation::device_id)
        .load(conn)?)
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Text)]
    vm: Id<id::Vm>,
}

/// The stopped instances that still give devices of this host back, though no job works on them and the host does not
/// owe it: nobody else will go on with it. One statement.
pub fn left_releasing(conn: &mut Conn, host: Id<id::Host>) -> Result<Vec<Id<id::Vm>>> {
    let text = "SELECT DISTINCT a.vm_id AS vm FROM gpu_allocation a JOIN vm ON vm.id = a.vm_id \
        WHERE a.host_id = ? AND a.active = 1 AND a.state = 'Releasing' AND vm.state = 'Stopped' \
        AND vm.removed IS NULL AND NOT EXISTS (SELECT 1 FROM job j WHERE j.subject_id = a.vm_id \
        AND (j.state IN ('Queued', 'Running', 'Undoing', 'Due', 'Paying') \
        OR EXISTS (SELECT 1 FROM host_debt d WHERE d.paid IS NULL AND d.plan = j.id)))";
    let rows: Vec<Left> = prepared(text).bind::<Text, _>(host).load(conn)?;
    Ok(rows.into_iter().map(|row| row.vm).collect())
}

fn held(vm: Id<id::Vm>, state: AllocationState, row: Row) -> Result<HeldDevice> {
    let (ids, shape, (driver, numa_node, profile), (vendor_id, device_id)) = row;
    let (device, host, parent) = ids;
    let reference = reference(shape)?;
    let (vendor_id, device_id) = (hex(&vendor_id)?, hex(&device_id)?);
    Ok(HeldDevice {
        device,
        vm,
        host,
        parent,
        state,
        reference,
        vendor_id,
        device_id,
        driver,
        numa_node,
        profile,
    })
}

/// One device that is alive.
pub fn describe(conn: &mut Conn, which: Id<id::GpuDevice>) -> Result<Option<Described>> {
    let row: Option<Row> = gpu_device::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(gpu_device::card_id)))
        .filter(gpu_device::id.eq(which).and(gpu_device::alive.eq(true)))
        .select(columns!())
        .first(conn)
        .optional()?;
    let Some((_, shape, (driver, ..), (vendor_id, device_id))) = row else { return Ok(None) };
    let (vendor_id, device_id) = (hex(&vendor_id)?, hex(&device_id)?);
    Ok(Some(Described { reference: reference(shape)?, vendor_id, device_id, driver }))
}

fn hex(text: &str) -> Result<u16> {
    u16::from_str_radix(text, 16).map_err(|e| Error::Internal(Box::new(e)))
}

fn reference(
    (kind, address, carrier, mdev_type, on_demand, companions): (
        DeviceType,
        String,
        PciAddress,
        Option<String>,
        bool,
        Option<String>,
    ),
) -> Result<DeviceRef> {
    if kind == DeviceType::MDEV {
        let uuid = Uuid::try_parse(&address).map_err(|e| Error::Internal(Box::new(e)))?;
        let mdev_type = mdev_type.unwrap_or_default();
        return Ok(DeviceRef::Mdev { uuid, parent: carrier, mdev_type, on_demand });
    }
    let companions = read_addresses(companions.as_deref())?;
    Ok(DeviceRef::Pci { address: carrier, companions })
}
