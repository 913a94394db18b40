//! Who holds which device: the claim, the confirmation, the release. The one place that writes `gpu_allocation`.
//!
//! `Reserved -> Allocated -> Releasing -> Released`. A claim is made under the host's lock and checked there once more
//! ([`crate::domain::gpu::claim`]); what is in the way by then is [`Error::LostRace`], so the whole admission runs
//! again with fresh candidates. The unique key on (device, active) is the last guard. A device is free again only by
//! [`finish_release`] with a proof, or by [`give_back`] when no host was ever touched.

use super::{
    Tx, clock, clock_after,
    gpu_health::raise_quarantined,
    gpu_held::{HeldDevice, held_by},
    gpu_standing::{devices_of, fabric_of, rooms_of},
    host::touch,
    is_duplicate, limit,
    owner::Owner,
    prepared::{kept, prepared},
    schema::{gpu_allocation, gpu_device, host, vm as instance},
    usage,
};
use crate::{
    domain::{
        Id,
        gpu::{
            AllocationState, DeviceType, Fabric, Health, Pick,
            claim::{Granted, Room, Standing, grant},
        },
        id,
        machine::{DeviceRef, Proof},
        placement::Candidate,
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    dsl::exists,
    sql_types::{BigInt, Integer, Nullable, Text},
    update,
};
use uuid::Uuid;

/// Marks ids of allocations, which are not on the wire.
enum Allocation {}

/// The row of a host that is not removed, to be locked.
macro_rules! row {
    ($host:expr) => {
        host::table
            .filter(host::id.eq($host).and(host::alive.eq(true)))
            .select(LockedHost::as_select())
    };
}

/// A host whose row this transaction has locked: the only key to [`claim`].
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = host)]
pub struct LockedHost {
    /// The host.
    pub id: Id<id::Host>,
    /// Its zone.
    #[diesel(column_name = zone_id)]
    pub zone: Id<id::Zone>,
    /// One more with every claim and every release.
    pub generation: i64,
    /// `Up`, `Down`, `Disconnected`.
    pub state: String,
    /// `Enabled`, `Maintenance` ..
    pub resource_state: String,
    /// Logical CPUs.
    pub cpus: i32,
    /// MHz of one of them.
    pub mhz: i32,
    /// Memory in bytes.
    pub memory: i64,
}

/// Locks a host's row until the transaction ends. Always the first lock that is taken. Error: lost race, when it is
/// removed.
pub fn lock_host(tx: &mut Tx<'_>, host: Id<id::Host>) -> Result<LockedHost> {
    row!(host).for_update().first(&mut **tx).optional()?.ok_or(Error::LostRace("host"))
}

/// A host that this transaction has taken something of, or will: it is locked, and everybody who looked at it before
/// will see that it changed. The only key to [`claim_seen`].
#[derive(Debug)]
pub struct Seized {
    /// The host.
    pub id: Id<id::Host>,
}

/// Takes a host if it is still what it was at this generation, and open. One statement instead of a lock and a change.
pub fn seize(tx: &mut Tx<'_>, id: Id<id::Host>, generation: i64) -> Result<Option<Seized>> {
    let text = "UPDATE host SET generation = generation + 1, changed = UTC_TIMESTAMP(6) \
        WHERE id = ? AND generation = ? AND alive = 1 AND state = 'Up' AND resource_state = 'Enabled'";
    let statement = prepared(text).bind::<Text, _>(id).bind::<BigInt, _>(generation);
    Ok((statement.execute(&mut **tx)? == 1).then_some(Seized { id }))
}

/// Takes a host that this transaction has locked.
pub fn seize_locked(tx: &mut Tx<'_>, host: &LockedHost) -> Result<Seized> {
    touch(tx, host.id)?;
    Ok(Seized { id: host.id })
}

/// Locks a host's row, unless somebody else holds it or it is removed.
pub fn try_lock_host(tx: &mut Tx<'_>, host: Id<id::Host>) -> Result<Option<LockedHost>> {
    Ok(row!(host).for_update().skip_locked().first(&mut **tx).optional()?)
}

/// All picked devices become the instance's (`Reserved`), in this order, or none does; whoever claims charges the owner. Returns their ids; those of
/// slices are new. Three statements, six with slices. Error: lost race, when anything picked is not to be had.
pub fn claim(
    tx: &mut Tx<'_>,
    host: &LockedHost,
    vm: Id<id::Vm>,
    picks: &[Pick],
) -> Result<Vec<Id<id::GpuDevice>>> {
    if picks.is_empty() {
        return Ok(Vec::new());
    }
    let is_cut = picks.iter().any(|pick| matches!(pick, Pick::Slice { .. }));
    let standings: Vec<Standing> = (devices_of(tx, &[host.id])?.remove(&host.id).into_iter())
        .flatten()
        .map(|found| found.device.standing)
        .collect();
    let rooms = match is_cut {
        true => rooms_of(tx, &[host.id])?.remove(&host.id).unwrap_or_default(),
        false => Vec::new(),
    };
    let rooms: Vec<Room> = rooms.into_iter().map(|(room, _)| room).collect();
    let fabric = match standings.iter().any(|standing| standing.module.is_some()) {
        true => fabric_of(tx, host.id)?,
        false => Fabric::default(),
    };
    let taken = take(tx, host.id, picks, (&standings, &rooms, &fabric))?;
    let devices: Vec<_> = taken.into_iter().map(|(device, _)| device).collect();
    reserve(tx, vm, &devices)?;
    touch(tx, host.id)?;
    Ok(devices)
}

/// [`claim`] by who read the host's devices at the generation at which it was seized: they are not read once more, nor
/// is the instance. Whatever changes devices to be given away, or what memory they have, moves the generation. Returns
/// that memory, in MiB. One statement, four with slices.
pub fn claim_seen(
    tx: &mut Tx<'_>,
    host: &Seized,
    (vm, owner): (Id<id::Vm>, Owner),
    picks: &[Pick],
    seen: &Candidate,
) -> Result<i64> {
    if picks.is_empty() {
        return Ok(0);
    }
    let standings: Vec<Standing> = seen.devices.iter().map(|it| it.standing.clone()).collect();
    let devices = take(tx, host.id, picks, (&standings, &seen.rooms, &seen.fabric))?;
    let memory = |profile| seen.gpu_memory.get(profile).copied().unwrap_or_default();
    let one = "(?, ?, ?, ?, 'Reserved', 1, ?, UTC_TIMESTAMP(6), ?, ?, ?, ?)";
    let mut statement =
        prepared(format!("{INSERT} VALUES {}", vec![one; devices.len()].join(", ")));
    for (position, (device, profile)) in (0i32..).zip(&devices) {
        statement = statement
            .bind::<Text, _>(Id::<Allocation>::mint())
            .bind::<Text, _>(device)
            .bind::<Text, _>(vm)
            .bind::<Text, _>(host.id)
            .bind::<Integer, _>(position)
            .bind::<Text, _>(owner.account)
            .bind::<Text, _>(owner.domain)
            .bind::<Text, _>(profile)
            .bind::<BigInt, _>(memory(profile));
    }
    statement.execute(&mut **tx).map_err(lost)?;
    Ok(devices.iter().map(|(_, profile)| memory(profile)).sum())
}

/// A device that is given away, with its profile.
type Given = (Id<id::GpuDevice>, Id<id::VgpuProfile>);

/// What the law allows of the picks, in their order; what is to be made for them is made.
fn take(
    tx: &mut Tx<'_>,
    host: Id<id::Host>,
    picks: &[Pick],
    (standings, rooms, fabric): (&[Standing], &[Room], &Fabric),
) -> Result<Vec<Given>> {
    let granted = grant(standings, rooms, fabric, picks).map_err(|why| {
        tracing::debug!(%host, why, "a claim came too late");
        Error::LostRace("GPU device")
    })?;
    let profile_of = |pick: &Granted| match pick {
        Granted::Slice { profile, .. } => Some(*profile),
        Granted::Device(id) => standings.iter().find(|it| it.id == *id).map(|it| it.profile),
    };
    let profiles: Option<Vec<_>> = granted.iter().map(profile_of).collect();
    let profiles = profiles.ok_or_else(|| Error::internal("a device that is not there"))?;
    Ok(make_slices(tx, standings, granted)?.into_iter().zip(profiles).collect())
}

/// The devices of a domain that is taken over become the instance's; the caller has seen that nobody holds them. Error: lost
/// race.
pub(super) fn adopt(
    tx: &mut Tx<'_>,
    host: &LockedHost,
    vm: Id<id::Vm>,
    devices: &[Id<id::GpuDevice>],
) -> Result<()> {
    reserve(tx, vm, devices)?;
    touch(tx, host.id)
}

/// Whose and what the devices are is written with the claim: profiles may change later.
const INSERT: &str = "INSERT INTO gpu_allocation (id, device_id, vm_id, host_id, state, active, position, reserved, \
    account_id, domain_id, profile_id, memory_mib)";

/// The rows of a claim for an instance of which only the id is known.
fn reserve(tx: &mut Tx<'_>, vm: Id<id::Vm>, devices: &[Id<id::GpuDevice>]) -> Result<()> {
    let one = "SELECT ?, d.id, v.id, d.host_id, 'Reserved', 1, ?, UTC_TIMESTAMP(6), v.account_id, v.domain_id, \
        d.profile_id, COALESCE(p.video_ram, 0) FROM gpu_device d JOIN vgpu_profile p ON p.id = d.profile_id \
        JOIN vm v ON v.id = ? WHERE d.id = ?";
    let mut statement =
        prepared(format!("{INSERT} {}", vec![one; devices.len()].join(" UNION ALL ")));
    for (position, device) in (0i32..).zip(devices) {
        statement = statement
            .bind::<Text, _>(Id::<Allocation>::mint())
            .bind::<Integer, _>(position)
            .bind::<Text, _>(vm)
            .bind::<Text, _>(device);
    }
    let made = statement.execute(&mut **tx).map_err(lost)?;
    if made == devices.len() {
        return Ok(());
    }
    Err(Error::internal(format!("instance {vm} is not there to hold devices")))
}

fn lost(error: diesel::result::Error) -> Error {
    let error = Error::from(error);
    if is_duplicate(&error) { Error::LostRace("GPU device") } else { error }
}

/// The rows of the slices that are to be made, each like its GPU; returns all devices in the order of the picks.
fn make_slices(
    tx: &mut Tx<'_>,
    standings: &[Standing],
    granted: Vec<Granted>,
) -> Result<Vec<Id<id::GpuDevice>>> {
    let mut devices = Vec::with_capacity(granted.len());
    let mut cut = Vec::new();
    for pick in granted {
        let gpu = match &pick {
            Granted::Device(id) => {
                devices.push(*id);
                continue;
            }
            Granted::Slice { gpu, .. } => *gpu,
        };
        let id = Id::<id::GpuDevice>::mint();
        devices.push(id);
        insert_slice(tx, id, &pick)?;
        if standings.iter().any(|s| s.id == gpu && s.device_type != DeviceType::VGPUOnly) {
            cut.push(gpu);
        }
    }
    if !cut.is_empty() {
        kept(
            update(gpu_device::table.filter(gpu_device::id.eq_any(cut)))
                .set(gpu_device::device_type.eq(DeviceType::VGPUOnly)),
        )
        .execute(&mut **tx)?;
    }
    Ok(devices)
}

/// The row of a slice that is to be made: like its GPU, in a group that only the host will know.
fn insert_slice(tx: &mut Tx<'_>, id: Id<id::GpuDevice>, slice: &Granted) -> Result<()> {
    let Granted::Slice { gpu, profile, carrier, mdev_type, start } = slice else { return Ok(()) };
    let text = "INSERT INTO gpu_device (id, host_id, card_id, profile_id, parent_id, address, device_type, carrier, \
        mdev_type, mig_start, on_demand, numa_node, pci_root, pci_switch, managed, health, is_ready, since) \
        SELECT ?, host_id, card_id, ?, id, ?, 'MDEV', ?, ?, ?, 1, numa_node, pci_root, pci_switch, 'Managed', 'Ok', 1, \
        UTC_TIMESTAMP(6) FROM gpu_device WHERE id = ?";
    prepared(text)
        .bind::<Text, _>(id)
        .bind::<Text, _>(profile)
        .bind::<Text, _>(Uuid::new_v4().hyphenated().to_string())
        .bind::<Text, _>(carrier)
        .bind::<Text, _>(mdev_type)
        .bind::<Nullable<Integer>, _>(start.map(i32::from))
        .bind::<Text, _>(gpu)
        .execute(&mut **tx)?;
    Ok(())
}

/// The instance runs with its devices: what was reserved is allocated. Safe to repeat.
pub fn confirm(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let confirmed = kept(
        update(
            gpu_allocation::table
                .filter(gpu_allocation::vm_id.eq(vm).and(gpu_allocation::active.eq(true)))
                .filter(gpu_allocation::state.eq(AllocationState::Reserved)),
        )
        .set((
            gpu_allocation::state.eq(AllocationState::Allocated),
            gpu_allocation::allocated.eq(clock_after("reserved")),
        )),
    )
    .execute(&mut **tx)?;
    if confirmed == 0 { Ok(()) } else { usage::begin_gpus(tx, vm) }
}

/// The instance gives its devices back; until each is proven clean nobody gets it. Safe to repeat. What was only
/// reserved but may have touched the host goes this way too.
pub fn begin_release(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let held = [AllocationState::Reserved, AllocationState::Allocated];
    let Some(taken) = taken(tx, vm, &held)? else { return Ok(()) };
    kept(update(gpu_allocation::table.filter(gpu_allocation::id.eq_any(&taken.rows))).set((
        gpu_allocation::state.eq(AllocationState::Releasing),
        gpu_allocation::releasing.eq(clock_after("COALESCE(allocated, reserved)")),
    )))
    .execute(&mut **tx)?;
    usage::end_gpus(tx, vm)?;
    taken.free(tx)
}

/// What an instance takes from its owner's limits with its devices.
struct Taken {
    rows: Vec<String>,
    owner: Option<Owner>,
    memory: i64,
    /// The tags with limits that the instance counts for.
    tags: Option<String>,
}

impl Taken {
    /// The owner has it no longer.
    fn free(self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(owner) = self.owner else { return Ok(()) };
        let bill = limit::bill_of_known_gpus(self.rows.len(), self.memory);
        limit::free_tagged(tx, owner, &bill, limit::Tags::of_vm(self.tags.as_deref()))
    }
}

/// What the devices of an instance count. One statement.
pub fn counted(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<limit::Bill> {
    let held = [AllocationState::Reserved, AllocationState::Allocated];
    let taken = taken(tx, vm, &held)?;
    Ok(taken.map(|it| limit::bill_of_known_gpus(it.rows.len(), it.memory)).unwrap_or_default())
}

/// The allocations of an instance that are in one of these states, locked; none: nothing. One statement.
fn taken(tx: &mut Tx<'_>, vm: Id<id::Vm>, states: &[AllocationState]) -> Result<Option<Taken>> {
    type Row = (String, Option<Id<id::Account>>, Option<Id<id::Domain>>, i64, Option<String>);
    let of_vm = instance::table.filter(instance::id.eq(gpu_allocation::vm_id));
    let rows = gpu_allocation::table
        .filter(gpu_allocation::vm_id.eq(vm).and(gpu_allocation::active.eq(true)))
        .filter(gpu_allocation::state.eq_any(states))
        .order(gpu_allocation::id)
        .select((
            gpu_allocation::id,
            gpu_allocation::account_id,
            gpu_allocation::domain_id,
            gpu_allocation::memory_mib,
            of_vm.select(instance::limit_tags).single_value(),
        ))
        .for_update();
    let rows: Vec<Row> = kept(rows).load(&mut **tx)?;
    let Some((_, account, domain, _, tags)) = rows.first().cloned() else { return Ok(None) };
    let owner = account.zip(domain).map(|(account, domain)| Owner { account, domain });
    let memory = rows.iter().map(|row| row.3).sum();
    Ok(Some(Taken { rows: rows.into_iter().map(|row| row.0).collect(), owner, memory, tags }))
}

/// The end of a release: each device with what the host said of it. A clean one is free; any doubt quarantines it,
/// with an alert. A slice that was made on demand is retired when clean. Safe to repeat: what this instance is not
/// releasing (any more) is left alone.
pub fn finish_release(
    tx: &mut Tx<'_>,
    vm: Id<id::Vm>,
    outcomes: &[(Id<id::GpuDevice>, Proof)],
) -> Result<()> {
    let held = held_by(tx, vm)?;
    let due: Vec<(&HeldDevice, &Proof)> = outcomes
        .iter()
        .filter_map(|(device, proof)| {
            let it = held.iter().find(|h| h.device == *device)?;
            (it.state == AllocationState::Releasing).then_some((it, proof))
        })
        .collect();
    let Some((first, _)) = due.first() else { return Ok(()) };
    touch(tx, first.host)?; // also the lock: slices and their GPU change together
    for (device, proof) in &due {
        if let Proof::Doubt(why) = proof {
            quarantine(tx, device, why)?;
        }
    }
    let clean = due.iter().filter(|(_, proof)| **proof == Proof::Clean).map(|(it, _)| *it);
    end(tx, vm, &clean.collect::<Vec<_>>(), "clean")
}

/// What was reserved and has never touched a host is free again, without proof. Safe to repeat; what is allocated or
/// being released already stays.
pub fn give_back(tx: &mut Tx<'_>, vm: Id<id::Vm>) -> Result<()> {
    let held = held_by(tx, vm)?;
    let due: Vec<&HeldDevice> =
        held.iter().filter(|it| it.state == AllocationState::Reserved).collect();
    let Some(first) = due.first() else { return Ok(()) };
    touch(tx, first.host)?;
    if let Some(taken) = taken(tx, vm, &[AllocationState::Reserved])? {
        taken.free(tx)?;
    }
    end(tx, vm, &due, "never used")
}

/// Ends the allocations of these devices; on-demand slices go with them, and a GPU without slices is whole again.
fn end(tx: &mut Tx<'_>, vm: Id<id::Vm>, devices: &[&HeldDevice], proof: &str) -> Result<()> {
    if devices.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = devices.iter().map(|it| it.device).collect();
    close(tx, vm, &ids, proof)?;
    let is_made =
        |it: &&&HeldDevice| matches!(it.reference, DeviceRef::Mdev { on_demand: true, .. });
    let made: Vec<_> = devices.iter().filter(is_made).map(|it| it.device).collect();
    if made.is_empty() {
        return Ok(());
    }
    kept(
        update(gpu_device::table.filter(gpu_device::id.eq_any(made)))
            .set((gpu_device::alive.eq(None::<bool>), gpu_device::removed.eq(clock().nullable()))),
    )
    .execute(&mut **tx)?;
    let mut gpus: Vec<_> = devices.iter().filter_map(|it| it.parent).collect();
    gpus.sort();
    gpus.dedup();
    for gpu in gpus {
        make_whole(tx, gpu)?;
    }
    Ok(())
}

/// A physical GPU that carries no slice any more can be given away whole.
pub(super) fn make_whole(tx: &mut Tx<'_>, gpu: Id<id::GpuDevice>) -> Result<()> {
    let slices = gpu_device::table
        .filter(gpu_device::parent_id.eq(gpu).and(gpu_device::alive.eq(true)))
        .select(gpu_device::id);
    if diesel::select(exists(slices)).get_result::<bool>(&mut **tx)? {
        return Ok(());
    }
    kept(
        update(gpu_device::table.filter(gpu_device::id.eq(gpu)))
            .set(gpu_device::device_type.eq(DeviceType::PCI)),
    )
    .execute(&mut **tx)?;
    Ok(())
}

fn close(
    tx: &mut Tx<'_>,
    vm: Id<id::Vm>,
    devices: &[Id<id::GpuDevice>],
    proof: &str,
) -> Result<()> {
    kept(
        update(
            gpu_allocation::table
                .filter(gpu_allocation::vm_id.eq(vm).and(gpu_allocation::active.eq(true)))
                .filter(gpu_allocation::device_id.eq_any(devices)),
        )
        .set((
            gpu_allocation::state.eq(AllocationState::Released),
            gpu_allocation::active.eq(None::<bool>),
            gpu_allocation::released.eq(clock_after("COALESCE(releasing, allocated, reserved)")),
            gpu_allocation::proof.eq(proof),
        )),
    )
    .execute(&mut **tx)?;
    let free = gpu_device::id.eq_any(devices).and(gpu_device::health.eq(Health::Ok));
    kept(update(gpu_device::table.filter(free)).set(gpu_device::since.eq(clock())))
        .execute(&mut **tx)?;
    Ok(())
}

/// The allocation ends, but the device is kept from everyone until an administrator vouches for it.
fn quarantine(tx: &mut Tx<'_>, device: &HeldDevice, why: &str) -> Result<()> {
    close(tx, device.vm, &[device.device], why)?;
    kept(update(gpu_device::table.filter(gpu_device::id.eq(device.device))).set((
        gpu_device::health.eq(Health::Quarantined),
        gpu_device::health_reason.eq(why),
        gpu_device::since.eq(clock()),
    )))
    .execute(&mut **tx)?;
    raise_quarantined(tx, device.device, why)
}
