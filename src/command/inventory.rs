//! Looking at a host's GPUs and writing what changed: the same for `discoverGpuDevices` and for the periodic round.
//!
//! The host is asked first, with no lock held; then one transaction under the host's lock compares with what the books
//! say by then and writes. Between the two an instance may have taken or left a device: such a device is treated as
//! being in flight, so that what was seen earlier decides nothing about it. A probe that fails changes nothing.

use super::{
    Wiring,
    proof::{self, Subject},
};
use crate::{
    domain::{
        Id,
        gpu::{
            AllocationState, Change, DeviceType, Diff, Drift, Inventory, KnownAllocation,
            ManagedState, drift::disagreements, observe, observed::Skipped,
            readiness::HostConditions, reconcile,
        },
        id,
        machine::{DeviceRef, HostFacts, Proof, SeenDevices, SeenDomain},
    },
    error::{Error, Result},
    hypervisor::{ExpectedDevice, HostDriver},
    store::{
        self, Conn, Tx, gpu_claim, gpu_drift, gpu_fabric, gpu_health, gpu_held,
        gpu_inventory::{self, Before},
    },
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// What a look at a host led to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refreshed {
    /// How many changes were written.
    pub changes: usize,
    /// Where books and host disagree about use.
    pub drift: Vec<Drift>,
    /// Whether they disagree about something else than before.
    pub is_news: bool,
    /// What looks like a GPU and is none of ours.
    pub skipped: Vec<Skipped>,
}

/// What the hosts showed when nothing had to be written: the same again needs no look into the books. For the
/// periodic round; an administrator's command looks always.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Id<id::Host>, Quiet>>);

#[derive(Debug, PartialEq)]
struct Quiet {
    generation: i64,
    probe: Probe,
    rounds: u32,
}

/// All that one look at a host sees.
#[derive(Debug, Clone, PartialEq)]
struct Probe {
    facts: HostFacts,
    devices: SeenDevices,
    domains: Vec<SeenDomain>,
}

/// After so many rounds without a change the books are looked at all the same, and the devices noted as seen. That is
/// most of what an idle cloud costs: nine statements a host.
const QUIET_ROUNDS: u32 = 20;

/// In which of `every` rounds a host has its turn: hosts that came at the same time do not all ask in the same round.
pub fn turn(host: Id<id::Host>, every: u32) -> u32 {
    let [.., a, b] = host.uuid().into_bytes(); // the end of an id is random
    u32::from(u16::from_be_bytes([a, b])) % every.max(1)
}

impl Memory {
    /// Whether this is what was seen last time and nothing had to be done about it.
    fn knows(&self, host: Id<id::Host>, generation: i64, probe: &Probe) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(quiet) = all.get_mut(&host) else { return false };
        quiet.rounds += 1;
        quiet.rounds < QUIET_ROUNDS && quiet.generation == generation && quiet.probe == *probe
    }

    fn keep(&self, host: Id<id::Host>, generation: i64, probe: Probe, done: &Refreshed) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if done.changes == 0 && !done.is_news {
            let rounds = if all.contains_key(&host) { 0 } else { turn(host, QUIET_ROUNDS) };
            all.insert(host, Quiet { generation, probe, rounds });
        } else {
            all.remove(&host);
        }
    }
}

/// Looks at a host and writes what changed. Error: the host does not answer, or answers what cannot be; then nothing
/// has changed.
pub async fn refresh(wiring: &Wiring, host: Id<id::Host>) -> Result<Refreshed> {
    let driver = wiring.hosts.at(host)?;
    let before = wiring.db.read(move |conn| gpu_inventory::before(conn, host)).await?;
    let probe = look(driver.as_ref()).await?;
    write(wiring, host, driver.as_ref(), before, &probe).await
}

/// [`refresh`] for the periodic round: when the host shows what it showed when nothing had to be written, and its
/// `generation`, which the round has just read, is the one of that time, no statement is sent and the answer is `None`.
pub async fn refresh_if_changed(
    wiring: &Wiring,
    memory: &Memory,
    host: Id<id::Host>,
    generation: i64,
) -> Result<Option<Refreshed>> {
    let driver = wiring.hosts.at(host)?;
    let mut probe = look(driver.as_ref()).await?;
    if memory.knows(host, generation, &probe) {
        return Ok(None);
    }
    let before = wiring.db.read(move |conn| gpu_inventory::before(conn, host)).await?;
    if before.generation != generation {
        // something was taken or left during the look: look again
        probe = look(driver.as_ref()).await?;
    }
    let generation = before.generation;
    let done = write(wiring, host, driver.as_ref(), before, &probe).await?;
    memory.keep(host, generation, probe, &done);
    Ok(Some(done))
}

async fn look(driver: &dyn HostDriver) -> Result<Probe> {
    let facts = driver.probe().await?;
    let devices = driver.devices().await?;
    let mut domains = driver.domains().await?;
    domains.sort_by_key(|domain| domain.uuid);
    Ok(Probe { facts, devices, domains })
}

async fn write(
    wiring: &Wiring,
    host: Id<id::Host>,
    driver: &dyn HostDriver,
    before: Before,
    probe: &Probe,
) -> Result<Refreshed> {
    let is_test = before.uri.starts_with("fake:") || probe.facts.domain_type == "test";
    let conditions = HostConditions { iommu: probe.facts.iommu, is_test };
    let seen = observe(&probe.devices, &wiring.settings.gpu_rules, conditions);
    if !seen.is_plausible {
        return Err(Error::Unavailable(format!(
            "host {} shows no PCI function at all, so nothing was changed",
            probe.facts.hostname
        )));
    }
    let managed = match wiring.settings.manage_discovered {
        true => ManagedState::Managed,
        false => ManagedState::Unmanaged,
    };
    let skipped = seen.skipped.clone();
    let left_out = in_words(&skipped);
    let is_news = left_out != before.left_out;
    let settings = Arc::clone(&wiring.settings);
    let view = Arc::new((seen, probe.domains.clone(), before.allocations));
    let diff = wiring
        .db
        .txn("gpu inventory", move |tx| {
            let (seen, domains, before) = view.as_ref();
            let (diff, drift_is_news) =
                compare_and_write(tx, host, seen, domains, before, managed)?;
            if is_news {
                store::host::leave_out(tx, host, left_out.as_deref())?;
            }
            gpu_fabric::apply(tx, host, &settings.boards)?;
            Ok((diff, drift_is_news))
        })
        .await?;
    let (diff, is_news) = diff;
    for change in &diff.changes {
        if let Change::NoLongerForeign { id } = change {
            prove(wiring, driver, host, *id).await?;
        }
    }
    Ok(Refreshed { changes: diff.changes.len(), drift: diff.drift, is_news, skipped })
}

/// What is left out, by address, with the reason; `None`: nothing.
fn in_words(skipped: &[Skipped]) -> Option<String> {
    let word = |one: &Skipped| format!("{} {}: {}", one.address.short(), one.name, one.reason);
    let mut words: Vec<String> = skipped.iter().map(word).collect();
    words.sort();
    if words.is_empty() { None } else { Some(words.join("; ")) }
}

fn compare_and_write(
    tx: &mut Tx<'_>,
    host: Id<id::Host>,
    seen: &Inventory,
    domains: &[SeenDomain],
    before: &[KnownAllocation],
    managed: ManagedState,
) -> Result<(Diff, bool)> {
    gpu_claim::lock_host(tx, host)?;
    let known = gpu_inventory::known(tx, host)?;
    let ours = in_flight(before, gpu_inventory::allocations(tx, host)?);
    let booked: HashSet<&str> = known.iter().map(|k| k.address.as_str()).collect();
    let gone = gone_slices(tx, host, seen, &booked)?;
    let devices: Vec<_> =
        seen.devices.iter().filter(|d| !gone.contains(&d.address)).cloned().collect();
    let diff = reconcile(&known, &devices, domains, &ours, true);
    gpu_inventory::apply(tx, host, &known, &diff, managed)?;
    if !diff.changes.is_empty() {
        gpu_inventory::changed(tx, host)?;
    }
    let open = gpu_drift::open(tx, host)?;
    let mut drifted = disagreements(&known, &devices, &diff, &open);
    if diff.changes.iter().any(|change| matches!(change, Change::Insert { .. })) {
        // new devices have their ids from now on
        let mut fresh = gpu_inventory::known(tx, host)?;
        fresh.retain(|new| !known.iter().any(|old| old.id == new.id));
        let diff = reconcile(&fresh, &devices, domains, &ours, true);
        let diff = Diff { drift: diff.drift, ..Diff::default() };
        drifted.extend(disagreements(&fresh, &devices, &diff, &open));
    }
    let is_news = gpu_drift::note(tx, host, &open, &drifted)?;
    Ok((diff, is_news))
}

/// What changed hands during the look counts as being in flight.
fn in_flight(before: &[KnownAllocation], now: Vec<KnownAllocation>) -> Vec<KnownAllocation> {
    let same = |a: &KnownAllocation, b: &KnownAllocation| {
        (a.device, a.domain, a.state) == (b.device, b.domain, b.state)
    };
    let mut ours: Vec<KnownAllocation> = now
        .iter()
        .map(|one| match before.iter().any(|b| same(b, one)) {
            true => *one,
            false => KnownAllocation { state: AllocationState::Reserved, ..*one },
        })
        .collect();
    let left = before.iter().filter(|b| !now.iter().any(|n| n.device == b.device));
    ours.extend(left.map(|b| KnownAllocation { state: AllocationState::Releasing, ..*b }));
    ours
}

/// Slices of ours that were retired while we looked.
fn gone_slices(
    conn: &mut Conn,
    host: Id<id::Host>,
    seen: &Inventory,
    booked: &HashSet<&str>,
) -> Result<HashSet<String>> {
    let unknown: Vec<String> = seen
        .devices
        .iter()
        .filter(|d| d.device_type == DeviceType::MDEV && !booked.contains(d.address.as_str()))
        .map(|d| d.address.clone())
        .collect();
    gpu_inventory::retired_slices(conn, host, &unknown)
}

/// A stranger has let go of a device: nobody can claim it while it is `Foreign`, so it is proven clean first. A slice
/// that was made beforehand is not ours to make anew, so an administrator decides.
async fn prove(
    wiring: &Wiring,
    driver: &dyn HostDriver,
    host: Id<id::Host>,
    device: Id<id::GpuDevice>,
) -> Result<()> {
    let found = wiring.db.read(move |conn| gpu_held::describe(conn, device)).await?;
    let Some(it) = found else { return Ok(()) };
    let proof = match &it.reference {
        DeviceRef::Mdev { .. } => {
            Proof::Doubt("a domain that is not in the books has used this slice".to_owned())
        }
        DeviceRef::Pci { .. } => {
            let (vendor_id, device_id) = (it.vendor_id, it.device_id);
            let expected = ExpectedDevice { vendor_id, device_id, driver: it.driver.clone() };
            let it = Subject { host, reference: &it.reference, expected: &expected, vm: None };
            proof::prove(wiring, driver, it).await?
        }
    };
    let settle = move |tx: &mut Tx<'_>| gpu_health::settle_foreign(tx, device, &proof);
    wiring.db.txn("gpu foreign", settle).await
}
