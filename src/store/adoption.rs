//! Domains that somebody made by hand on a host, as far as their GPUs are in the books: whether each can be taken over as
//! an instance, and the taking over.

use super::{
    Conn, Tx,
    adopted_parts::Parts,
    alert, capacity, gpu_claim,
    gpu_claim::LockedHost,
    gpu_drift,
    schema::{gpu_allocation, gpu_card, gpu_device, host, vgpu_profile, vm},
};
use crate::{
    domain::{
        Id,
        alert::{GPU_DRIFT, GPU_FOREIGN},
        gpu::{Health, ManagedState},
        id,
        machine::SeenDomain,
    },
    error::Result,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    RunQueryDsl, update,
};
use std::collections::HashMap;

/// A device of a host as it stands.
#[derive(Debug, Clone)]
pub struct Device {
    /// The device.
    pub id: Id<id::GpuDevice>,
    /// Its bus address.
    pub address: String,
    /// Its profile.
    pub profile: Id<id::VgpuProfile>,
    /// Card and profile, for messages.
    pub name: String,
    parent: Option<Id<id::GpuDevice>>,
    companions: String,
    group: Option<i32>,
    managed: ManagedState,
    health: Health,
    reason: Option<String>,
    holder: Option<Id<id::Vm>>,
}

/// A running domain with GPUs of the books that is no instance of ours.
#[derive(Debug, Clone)]
pub struct Stray {
    /// The domain.
    pub domain: SeenDomain,
    /// Its GPUs.
    pub devices: Vec<Device>,
    /// What it has besides, as far as the books can hold it.
    pub parts: Parts,
    /// Why it cannot be taken over; empty: it can.
    pub against: Vec<String>,
}

/// What can be taken over of what runs on a host. Three statements.
pub fn strays(conn: &mut Conn, at: Id<id::Host>, domains: &[SeenDomain]) -> Result<Vec<Stray>> {
    let devices = devices(conn, at)?;
    let ids: Vec<String> = domains.iter().map(|it| it.uuid.hyphenated().to_string()).collect();
    let ours: Vec<Id<id::Vm>> = vm::table.filter(vm::id.eq_any(&ids)).select(vm::id).load(conn)?;
    let names: Vec<&str> = domains.iter().map(|it| it.name.as_str()).collect();
    let names: Vec<String> =
        vm::table.filter(vm::instance_name.eq_any(names)).select(vm::instance_name).load(conn)?;
    let mut found = Vec::new();
    for domain in domains.iter().filter(|it| it.active) {
        if ours.iter().any(|id| id.uuid() == domain.uuid) {
            continue;
        }
        let used: Vec<Device> =
            devices.iter().filter(|device| uses(domain, device)).cloned().collect();
        if used.is_empty() {
            continue;
        }
        let mut against = Vec::new();
        if names.contains(&domain.name) {
            against.push(format!("an instance is named {} on its host already", domain.name));
        }
        if domain.name.chars().count() > 80 {
            against.push("its name is longer than 80 characters".to_owned());
        }
        for device in &used {
            against.extend(objections(domain, device, &devices, domains));
        }
        found.push(Stray {
            domain: domain.clone(),
            devices: used,
            parts: Parts::default(),
            against,
        });
    }
    Ok(found)
}

/// The GPUs of the books that a domain names, in order of their addresses.
pub fn named_by(conn: &mut Conn, at: Id<id::Host>, domain: &SeenDomain) -> Result<Vec<Device>> {
    let mut devices = devices(conn, at)?;
    devices.retain(|device| uses(domain, device));
    Ok(devices)
}

fn uses(domain: &SeenDomain, device: &Device) -> bool {
    domain.pci.iter().any(|address| address.to_string() == device.address)
        || domain.mdevs.iter().any(|uuid| uuid.hyphenated().to_string() == device.address)
}

/// Where the books speak against it.
fn objections(
    domain: &SeenDomain,
    device: &Device,
    all: &[Device],
    domains: &[SeenDomain],
) -> Vec<String> {
    let at = &device.address;
    let mut against = Vec::new();
    if let Some(holder) = device.holder {
        against.push(format!("GPU device {at} is held by instance {holder}"));
    }
    if device.managed != ManagedState::Managed {
        against.push(format!("GPU device {at} is unmanaged: manage it first"));
    }
    match device.health {
        Health::Ok | Health::Foreign => {}
        Health::Missing | Health::Quarantined => {
            let why = device.reason.as_deref().unwrap_or_default();
            against.push(format!("GPU device {at} is {}: {why}", device.health));
        }
    }
    let others = domains.iter().filter(|it| it.active && it.uuid != domain.uuid);
    let is_shared = |other: &&SeenDomain| {
        uses(other, device)
            || device
                .companions
                .split_whitespace()
                .any(|function| other.pci.iter().any(|address| address.to_string() == function))
    };
    if let Some(other) = others.filter(is_shared).map(|it| &it.name).next() {
        against.push(format!("GPU device {at} is used by domain {other} too"));
    }
    let family =
        |other: &&Device| other.parent == Some(device.id) || device.parent == Some(other.id);
    for other in all.iter().filter(family) {
        let is_whole = other.parent == Some(device.id);
        if is_whole {
            against.push(format!("GPU device {at} is used in slices, {} is one", other.address));
        } else if let Some(holder) = other.holder {
            against.push(format!("the GPU of {at} is held as a whole by instance {holder}"));
        }
    }
    let peers = all.iter().filter(|other| {
        device.group.is_some() && other.group == device.group && other.id != device.id
    });
    for other in peers.filter(|other| !uses(domain, other)) {
        let group = device.group.unwrap_or_default();
        against.push(format!(
            "GPU device {} shares IOMMU group {group} with {at} and is not with the domain",
            other.address
        ));
    }
    against
}

fn devices(conn: &mut Conn, at: Id<id::Host>) -> Result<Vec<Device>> {
    type Row = (
        (Id<id::GpuDevice>, String, Option<Id<id::GpuDevice>>, Option<String>, Option<i32>),
        (ManagedState, Health, Option<String>, Option<Id<id::Vm>>),
        (Id<id::VgpuProfile>, String, String),
    );
    let held = gpu_allocation::device_id.eq(gpu_device::id).and(gpu_allocation::active.eq(true));
    let rows: Vec<Row> = gpu_device::table
        .inner_join(gpu_card::table.on(gpu_card::id.eq(gpu_device::card_id)))
        .inner_join(vgpu_profile::table.on(vgpu_profile::id.eq(gpu_device::profile_id)))
        .left_join(gpu_allocation::table.on(held))
        .filter(gpu_device::host_id.eq(at).and(gpu_device::alive.eq(true)))
        .order(gpu_device::address)
        .select((
            (
                gpu_device::id,
                gpu_device::address,
                gpu_device::parent_id,
                gpu_device::companions,
                gpu_device::iommu_group,
            ),
            (
                gpu_device::managed,
                gpu_device::health,
                gpu_device::health_reason,
                gpu_allocation::vm_id.nullable(),
            ),
            (vgpu_profile::id, vgpu_profile::name, gpu_card::name),
        ))
        .load(conn)?;
    let device = |row: Row| {
        let ((id, address, parent, companions, group), (managed, health, reason, holder), kind) =
            row;
        let (profile, profile_name, card) = kind;
        Device {
            id,
            address,
            profile,
            name: format!("{card} {profile_name}"),
            parent,
            companions: companions.unwrap_or_default(),
            group,
            managed,
            health,
            reason,
            holder,
        }
    };
    Ok(rows.into_iter().map(device).collect())
}

impl Stray {
    /// What it has, by card and profile.
    pub fn counts(&self) -> HashMap<Id<id::VgpuProfile>, (u32, String)> {
        let mut counts = HashMap::new();
        for device in &self.devices {
            let (count, _) =
                counts.entry(device.profile).or_insert_with(|| (0, device.name.clone()));
            *count += 1;
        }
        counts
    }
}

/// The zone of a host, and how much memory it has left to promise, in MiB.
pub fn room(conn: &mut Conn, at: Id<id::Host>) -> Result<(Id<id::Zone>, i64)> {
    let (zone, memory): (Id<id::Zone>, i64) =
        host::table.filter(host::id.eq(at)).select((host::zone_id, host::memory)).first(conn)?;
    let taken = capacity::taken(conn, &[at])?.get(&at).map_or(0, |taken| taken.memory);
    Ok((zone, (memory - taken) >> 20))
}

/// The devices are reserved for the instance, which runs with them already: what is left is to charge and to confirm. The
/// row of the instance is there. Error: lost race.
pub fn hold(
    tx: &mut Tx<'_>,
    host: &LockedHost,
    instance: Id<id::Vm>,
    devices: &[Device],
) -> Result<()> {
    let ids: Vec<Id<id::GpuDevice>> = devices.iter().map(|device| device.id).collect();
    update(gpu_device::table.filter(gpu_device::id.eq_any(&ids)))
        .set((gpu_device::health.eq(Health::Ok), gpu_device::health_reason.eq(None::<String>)))
        .execute(&mut **tx)?;
    gpu_claim::adopt(tx, host, instance, &ids)?;
    let uuids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    for id in ids {
        gpu_drift::forget(tx, id)?;
    }
    alert::resolve_many(tx, GPU_FOREIGN, &uuids)?;
    alert::resolve_many(tx, GPU_DRIFT, &uuids)
}
