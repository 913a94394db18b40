//! The books about a host's devices: reading them for a comparison, writing what a probe changed.

use super::{
    Conn, Tx, alert, clock, gpu_drift, gpu_health, gpu_model,
    gpu_reset::BEING_RESET,
    host::touch,
    schema::{gpu_allocation, gpu_card, gpu_device, gpu_slice_type, host, vgpu_profile},
};
use crate::{
    domain::{
        Id, Kind,
        alert::GPU_FOREIGN,
        gpu::{
            AllocationState, DeviceType, Health, ManagedState, Observed, PciAddress, ProfileKind,
            books::{Facts, KnownAllocation, KnownDevice, KnownSlice},
            reconcile::{Change, Diff, Patch},
        },
        id,
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper, delete,
    insert_into, update,
};
use std::collections::{HashMap, HashSet};

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = gpu_device)]
struct Row {
    id: Id<id::GpuDevice>,
    parent_id: Option<Id<id::GpuDevice>>,
    address: String,
    device_type: DeviceType,
    mdev_type: Option<String>,
    on_demand: bool,
    numa_node: Option<i32>,
    pci_root: Option<PciAddress>,
    pci_switch: Option<PciAddress>,
    iommu_group: Option<i32>,
    companions: Option<String>,
    driver: Option<String>,
    health: Health,
    health_reason: Option<String>,
    is_ready: bool,
    ready_reason: Option<String>,
    missed: i32,
}

/// What must be known before a host is looked at.
#[derive(Debug)]
pub struct Before {
    /// Its address, by which it is known whether it is simulated.
    pub uri: String,
    /// One more with every claim and every release.
    pub generation: i64,
    /// What looked like a GPU there last time and was left out, with the reason.
    pub left_out: Option<String>,
    /// Who holds what.
    pub allocations: Vec<KnownAllocation>,
}

/// What must be known before a host is looked at. Two statements. Error: not found.
pub fn before(conn: &mut Conn, host: Id<id::Host>) -> Result<Before> {
    let found: Option<(String, i64, Option<String>)> = host::table
        .filter(host::id.eq(host).and(host::alive.eq(true)))
        .select((host::uri, host::generation, host::left_out))
        .first(conn)
        .optional()?;
    let (uri, generation, left_out) =
        found.ok_or_else(|| Error::NotFound { what: "host", id: host.to_string() })?;
    Ok(Before { uri, generation, left_out, allocations: allocations(conn, host)? })
}

/// A host's state.
pub fn host_state(conn: &mut Conn, host: Id<id::Host>) -> Result<String> {
    Ok(host::table.filter(host::id.eq(host)).select(host::state).first(conn)?)
}

/// Who holds what on a host.
pub fn allocations(conn: &mut Conn, host: Id<id::Host>) -> Result<Vec<KnownAllocation>> {
    let rows: Vec<(Id<id::GpuDevice>, Id<id::Vm>, AllocationState)> = gpu_allocation::table
        .filter(gpu_allocation::host_id.eq(host).and(gpu_allocation::active.eq(true)))
        .select((gpu_allocation::device_id, gpu_allocation::vm_id, gpu_allocation::state))
        .load(conn)?;
    let known = |(device, vm, state): (_, Id<id::Vm>, _)| KnownAllocation {
        device,
        domain: vm.uuid(),
        state,
    };
    Ok(rows.into_iter().map(known).collect())
}

/// All devices of a host that are alive. Two statements.
pub fn known(conn: &mut Conn, host: Id<id::Host>) -> Result<Vec<KnownDevice>> {
    let rows: Vec<(Row, String, String, ProfileKind)> = gpu_device::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(gpu_device::card_id)))
        .inner_join(vgpu_profile::table.on(vgpu_profile::id.eq(gpu_device::profile_id)))
        .filter(gpu_device::host_id.eq(host).and(gpu_device::alive.eq(true)))
        .order(gpu_device::id)
        .select((Row::as_select(), gpu_card::vendor_id, gpu_card::device_id, vgpu_profile::kind))
        .load(conn)?;
    let mut slices = slices(conn, host)?;
    let addresses: HashMap<_, _> =
        rows.iter().map(|(row, ..)| (row.id, row.address.clone())).collect();
    rows.into_iter()
        .map(|(row, vendor, device, kind)| {
            let mut known = row.known(&vendor, &device, kind)?;
            known.parent = row.parent_id.and_then(|parent| addresses.get(&parent).cloned());
            known.slices = slices.remove(&row.id).unwrap_or_default();
            Ok(known)
        })
        .collect()
}

impl Row {
    fn known(&self, vendor: &str, device: &str, kind: ProfileKind) -> Result<KnownDevice> {
        let hex =
            |text: &str| u16::from_str_radix(text, 16).map_err(|e| Error::Internal(Box::new(e)));
        Ok(KnownDevice {
            id: self.id,
            address: self.address.clone(),
            parent: None,
            vendor_id: hex(vendor)?,
            device_id: hex(device)?,
            kind,
            mdev_type: self.mdev_type.clone(),
            device_type: self.device_type,
            on_demand: self.on_demand,
            facts: Facts {
                numa_node: self.numa_node.and_then(|n| u32::try_from(n).ok()),
                pci_root: self.pci_root,
                pci_switch: self.pci_switch,
                iommu_group: self.iommu_group.and_then(|n| u32::try_from(n).ok()),
                companions: read_addresses(self.companions.as_deref())?,
                driver: self.driver.clone(),
                is_ready: self.is_ready,
                ready_reason: self.ready_reason.clone(),
            },
            health: self.health,
            is_being_reset: self.health_reason.as_deref() == Some(BEING_RESET),
            missed: u32::try_from(self.missed).unwrap_or_default(),
            slices: Vec::new(),
        })
    }
}

type Slices = HashMap<Id<id::GpuDevice>, Vec<KnownSlice>>;

fn slices(conn: &mut Conn, host: Id<id::Host>) -> Result<Slices> {
    type Row = (Id<id::GpuDevice>, PciAddress, String, i32, i32, bool);
    let rows: Vec<Row> = gpu_device::table
        .inner_join(gpu_slice_type::table.on(gpu_slice_type::device_id.eq(gpu_device::id)))
        .filter(gpu_device::host_id.eq(host).and(gpu_device::alive.eq(true)))
        .select((
            gpu_slice_type::device_id,
            gpu_slice_type::carrier,
            gpu_slice_type::mdev_type,
            gpu_slice_type::capacity,
            gpu_slice_type::gpu_capacity,
            gpu_slice_type::is_mixed,
        ))
        .load(conn)?;
    let mut all = Slices::new();
    for (device, carrier, mdev_type, capacity, gpu_capacity, is_mixed) in rows {
        let count = |n: i32| u32::try_from(n).unwrap_or_default();
        let (capacity, gpu_capacity) = (count(capacity), count(gpu_capacity));
        let slice = KnownSlice { carrier, mdev_type, capacity, gpu_capacity, is_mixed };
        all.entry(device).or_default().push(slice);
    }
    for slices in all.values_mut() {
        slices.sort_by(|a, b| (a.carrier, &a.mdev_type).cmp(&(b.carrier, &b.mdev_type)));
    }
    Ok(all)
}

/// Those of these mediated devices that we made once and have retired: a probe from before must not bring them back.
pub fn retired_slices(
    conn: &mut Conn,
    host: Id<id::Host>,
    addresses: &[String],
) -> Result<HashSet<String>> {
    if addresses.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<String> = gpu_device::table
        .filter(gpu_device::host_id.eq(host).and(gpu_device::on_demand.eq(true)))
        .filter(gpu_device::alive.is_null().and(gpu_device::address.eq_any(addresses)))
        .select(gpu_device::address)
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Whoever read the host's devices before this reads them again.
pub fn changed(tx: &mut Tx<'_>, host: Id<id::Host>) -> Result<()> {
    touch(tx, host)
}

/// Writes what a probe led to; the caller holds the host's lock. New devices are `managed` or not.
pub fn apply(
    tx: &mut Tx<'_>,
    host: Id<id::Host>,
    known: &[KnownDevice],
    diff: &Diff,
    managed: ManagedState,
) -> Result<()> {
    if !diff.seen.is_empty() {
        update(gpu_device::table.filter(gpu_device::id.eq_any(&diff.seen)))
            .set(gpu_device::seen.eq(clock().nullable()))
            .execute(&mut **tx)?;
    }
    let seen = diff.changes.iter().filter_map(|change| match change {
        Change::Insert { device, .. } => Some(device.as_ref()),
        _ => None,
    });
    let models = gpu_model::ensure(tx, seen)?;
    let mut rows: HashMap<&str, Id<id::GpuDevice>> =
        known.iter().map(|k| (k.address.as_str(), k.id)).collect();
    for change in &diff.changes {
        match change {
            Change::Retire { id, .. } => retire(tx, *id)?,
            Change::Insert { device, used_by } => {
                let parent = device.parent.as_deref().and_then(|at| rows.get(at).copied());
                let new = New { host, parent, managed, used_by: used_by.as_deref() };
                rows.insert(&device.address, insert(tx, &new, device, &models)?);
            }
            Change::Update { id, patch } => {
                let parent = patch
                    .parent
                    .as_ref()
                    .map(|parent| parent.as_deref().and_then(|address| rows.get(address).copied()));
                patch_row(tx, *id, patch, parent)?;
            }
            Change::Slices { id, slices } => {
                let card = gpu_model::card_of(tx, *id)?;
                put_slices(tx, *id, card, slices)?;
            }
            _ => gpu_health::judge(tx, change)?,
        }
    }
    Ok(())
}

pub(super) fn retire(tx: &mut Tx<'_>, device: Id<id::GpuDevice>) -> Result<()> {
    delete(gpu_slice_type::table.filter(gpu_slice_type::device_id.eq(device)))
        .execute(&mut **tx)?;
    update(gpu_device::table.filter(gpu_device::id.eq(device)))
        .set((gpu_device::alive.eq(None::<bool>), gpu_device::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    gpu_drift::forget(tx, device)?;
    alert::resolve_all(tx, device.uuid())
}

struct New<'a> {
    host: Id<id::Host>,
    parent: Option<Id<id::GpuDevice>>,
    managed: ManagedState,
    used_by: Option<&'a str>,
}

fn insert(
    tx: &mut Tx<'_>,
    new: &New<'_>,
    seen: &Observed,
    models: &gpu_model::Models,
) -> Result<Id<id::GpuDevice>> {
    let id = Id::<id::GpuDevice>::mint();
    let card = models.card(&seen.card)?;
    let facts = Facts::from(seen);
    let health = if new.used_by.is_some() { Health::Foreign } else { Health::Ok };
    let why = new.used_by.map(gpu_health::used_by_text);
    let is_drained: Option<bool> = host::table
        .filter(host::id.eq(new.host))
        .select(host::draining)
        .first(&mut **tx)
        .optional()?;
    insert_into(gpu_device::table)
        .values((
            (
                gpu_device::id.eq(id),
                gpu_device::host_id.eq(new.host),
                gpu_device::card_id.eq(card),
                gpu_device::profile_id.eq(models.profile(card, &seen.profile)?),
                gpu_device::parent_id.eq(new.parent),
                gpu_device::address.eq(&seen.address),
                gpu_device::device_type.eq(seen.device_type),
                gpu_device::carrier.eq(seen.function),
                gpu_device::mdev_type.eq(&seen.mdev_type),
            ),
            (
                gpu_device::numa_node.eq(number(facts.numa_node)),
                gpu_device::pci_root.eq(facts.pci_root),
                gpu_device::pci_switch.eq(facts.pci_switch),
                gpu_device::iommu_group.eq(number(facts.iommu_group)),
                gpu_device::companions.eq(write_addresses(&facts.companions)),
                gpu_device::driver.eq(facts.driver),
            ),
            (
                gpu_device::managed.eq(new.managed),
                gpu_device::draining.eq(is_drained.unwrap_or(false)),
                gpu_device::health.eq(health),
                gpu_device::health_reason.eq(&why),
                gpu_device::is_ready.eq(facts.is_ready),
                gpu_device::ready_reason.eq(facts.ready_reason),
                gpu_device::since.eq(clock()),
                gpu_device::seen.eq(clock().nullable()),
            ),
        ))
        .execute(&mut **tx)?;
    if let Some(why) = why {
        alert::raise(tx, GPU_FOREIGN, &why, (Kind::GpuDevice, id.uuid()))?;
    }
    put_slices(tx, id, card, &seen.slices)?;
    Ok(id)
}

/// What can be made on a GPU, as a whole.
fn put_slices(
    tx: &mut Tx<'_>,
    gpu: Id<id::GpuDevice>,
    card: Id<id::GpuCard>,
    slices: &[crate::domain::gpu::SliceType],
) -> Result<()> {
    delete(gpu_slice_type::table.filter(gpu_slice_type::device_id.eq(gpu))).execute(&mut **tx)?;
    if slices.is_empty() {
        return Ok(());
    }
    let profiles = gpu_model::ensure_profiles(tx, card, slices.iter().map(|s| &s.profile))?;
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let rows: Vec<_> = slices
        .iter()
        .map(|slice| {
            Ok((
                gpu_slice_type::device_id.eq(gpu),
                gpu_slice_type::profile_id.eq(gpu_model::find(&profiles, &slice.profile)?),
                gpu_slice_type::carrier.eq(slice.carrier),
                gpu_slice_type::mdev_type.eq(slice.mdev_type.clone()),
                gpu_slice_type::capacity.eq(count(slice.capacity)),
                gpu_slice_type::gpu_capacity.eq(count(slice.gpu_capacity)),
                gpu_slice_type::is_mixed.eq(slice.is_mixed),
            ))
        })
        .collect::<Result<_>>()?;
    insert_into(gpu_slice_type::table).values(rows).execute(&mut **tx)?;
    Ok(())
}

/// The columns of a patch; `None` leaves a column as it is, `Some(None)` clears it.
#[derive(Default, AsChangeset)]
#[diesel(table_name = gpu_device)]
struct Columns {
    device_type: Option<DeviceType>,
    parent_id: Option<Option<Id<id::GpuDevice>>>,
    numa_node: Option<Option<i32>>,
    pci_root: Option<Option<PciAddress>>,
    pci_switch: Option<Option<PciAddress>>,
    iommu_group: Option<Option<i32>>,
    companions: Option<Option<String>>,
    driver: Option<Option<String>>,
    is_ready: Option<bool>,
    ready_reason: Option<Option<String>>,
}

fn patch_row(
    tx: &mut Tx<'_>,
    device: Id<id::GpuDevice>,
    patch: &Patch,
    parent_id: Option<Option<Id<id::GpuDevice>>>,
) -> Result<()> {
    let columns = Columns {
        device_type: patch.device_type,
        parent_id,
        numa_node: patch.numa_node.map(number),
        pci_root: patch.pci_root,
        pci_switch: patch.pci_switch,
        iommu_group: patch.iommu_group.map(number),
        companions: patch.companions.as_deref().map(write_addresses),
        driver: patch.driver.clone(),
        is_ready: patch.is_ready,
        ready_reason: patch.ready_reason.clone(),
    };
    update(gpu_device::table.filter(gpu_device::id.eq(device))).set(columns).execute(&mut **tx)?;
    Ok(())
}

fn number(value: Option<u32>) -> Option<i32> {
    value.and_then(|n| i32::try_from(n).ok())
}

/// Addresses as one text: spaces between them; none is no text.
pub(super) fn write_addresses(all: &[PciAddress]) -> Option<String> {
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    if words.is_empty() { None } else { Some(words.join(" ")) }
}

/// Reads what [`write_addresses`] wrote.
pub(super) fn read_addresses(text: Option<&str>) -> Result<Vec<PciAddress>> {
    let words = text.unwrap_or_default().split_whitespace();
    words.map(|word| word.parse().map_err(Error::internal)).collect()
}
