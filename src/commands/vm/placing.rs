//! Choosing a host and taking what is there, in one transaction.
//!
//! The choice is made from a snapshot and taken under the host's lock. When the host's generation moved in between, the
//! host is read once more under the lock. Of several hosts that will do, one whose lock is free is taken first, so that
//! many deploys at once do not wait for the same host.

use super::draft::Order;
use crate::{
    command::prelude::*,
    domain::placement::{Candidate, Choice, Decision, Demand, Fleet, Mix, Refusal},
    store::{
        gpu_claim::{self, LockedHost},
        placement::{self, Depth, Spot},
    },
};

/// How many of the best choices are tried before waiting for the best.
const TRIES: usize = 6;

/// A place that was taken: the host is locked until the transaction ends.
#[derive(Debug)]
pub(super) struct Placed {
    /// The host.
    pub(super) host: LockedHost,
    /// Where the disks will lie.
    pub(super) pool: Id<id::StoragePool>,
    /// What is to be claimed.
    choice: Choice,
    /// Why, as JSON.
    pub(super) decision: Option<String>,
    /// The host as it is under the lock.
    seen: Candidate,
}

/// The best place that can be had. Error: capacity, with the reasons; lost race, when others were faster everywhere.
pub(super) fn place(env: &Env, tx: &mut Tx<'_>, caller: &Caller, order: &Order) -> Result<Placed> {
    let mix = env.settings.demand_mix;
    let depth = match (order.demand.alternatives.is_empty(), order.slices) {
        (true, _) => Depth::NoGpus,
        (false, false) => Depth::Devices,
        (false, true) => Depth::Slices,
    };
    let spots = placement::candidates(tx, order.zone, order.demand.host, depth)?;
    let choices =
        choices(spots.clone(), &order.demand, mix).map_err(|refusal| refused(caller, &refusal))?;
    let [first, others @ ..] = choices.as_slice() else {
        return Err(Error::internal("no choice and no refusal"));
    };
    let passed_over = passed_over(&spots, &order.demand, first, mix);
    let mut found = None;
    if !others.is_empty() {
        for choice in choices.iter().take(TRIES) {
            if let Some(host) = gpu_claim::try_lock_host(tx, choice.host)?
                && let Some(placed) = take(tx, order, (depth, mix), host, choice, &spots)?
            {
                found = Some(placed);
                break;
            }
        }
    }
    let mut placed = match found {
        Some(placed) => placed,
        None => {
            let host = gpu_claim::lock_host(tx, first.host)?;
            let taken = take(tx, order, (depth, mix), host, first, &spots)?;
            taken.ok_or(Error::LostRace("host"))?
        }
    };
    let mut decision = Decision::new(&order.demand, &placed.choice, &choices, spots.len());
    if let Some(refusal) = passed_over.filter(|_| placed.choice.alternative == first.alternative) {
        decision.passed_over(&refusal);
    }
    let text =
        serde_json::to_string(&decision).map_err(|error| Error::Internal(Box::new(error)))?;
    placed.decision = Some(text);
    Ok(placed)
}

/// Why the alternatives before the one that was found could not be met.
fn passed_over(spots: &[Spot], demand: &Demand, found: &Choice, mix: Mix) -> Option<Refusal> {
    let before = found.alternative.filter(|n| *n > 0)?;
    let alternatives = demand.alternatives[..before].to_vec();
    choices(spots.to_vec(), &Demand { alternatives, ..demand.clone() }, mix).err()
}

/// How many hosts there are, and what would be tried; nothing is locked.
pub(super) fn consider(
    env: &Env,
    tx: &mut Tx<'_>,
    order: &Order,
) -> Result<(usize, Result<Vec<Choice>, Refusal>)> {
    let spots = placement::candidates(tx, order.zone, None, Depth::Slices)?;
    Ok((spots.len(), choices(spots, &order.demand, env.settings.demand_mix)))
}

/// The choice, if it still holds under the lock; else the best there is on this host now.
fn take(
    tx: &mut Tx<'_>,
    order: &Order,
    (depth, mix): (Depth, Mix),
    host: LockedHost,
    choice: &Choice,
    spots: &[Spot],
) -> Result<Option<Placed>> {
    let is_open = host.state == "Up" && host.resource_state == "Enabled";
    let seen = spots.iter().find(|spot| spot.candidate.host == host.id);
    if let Some(spot) = seen.filter(|spot| is_open && spot.generation == host.generation) {
        return Ok(Some(placed(host, choice, &spot.candidate)?));
    }
    let now = placement::candidates(tx, order.zone, Some(host.id), depth)?;
    let Some(seen) = now.first().map(|spot| spot.candidate.clone()) else { return Ok(None) };
    let Ok(choices) = choices(now, &order.demand, mix) else { return Ok(None) };
    choices.first().map(|choice| placed(host, choice, &seen)).transpose()
}

fn placed(host: LockedHost, choice: &Choice, seen: &Candidate) -> Result<Placed> {
    let pool = choice.pool.ok_or_else(|| Error::internal("a host without a pool was chosen"))?;
    Ok(Placed { host, pool, choice: choice.clone(), decision: None, seen: seen.clone() })
}

/// Who asks for no GPUs gets a host without them where there is one, unless its affinity groups would rather not.
fn choices(spots: Vec<Spot>, demand: &Demand, mix: Mix) -> Result<Vec<Choice>, Refusal> {
    let (with, without): (Vec<Spot>, Vec<Spot>) = spots.into_iter().partition(|s| s.has_gpus);
    let of = |spots: Vec<Spot>| spots.into_iter().map(|spot| spot.candidate);
    let mut fleet = Fleet::new(mix);
    of(without).for_each(|candidate| fleet.put(candidate));
    let wish = |choices: &[Choice]| choices.first().map_or(u8::MAX, |it| demand.wish(it.host));
    let plain = match demand.alternatives.is_empty() {
        true => fleet.choose(demand).unwrap_or_default(),
        false => Vec::new(),
    };
    if !plain.is_empty() && wish(&plain) == demand.affinity.best_wish() {
        return Ok(plain);
    }
    of(with).for_each(|candidate| fleet.put(candidate));
    let all = fleet.choose(demand)?;
    Ok(if wish(&plain) <= wish(&all) { plain } else { all })
}

/// Which demand failed and what would fit; how many hosts for which reason is for administrators.
fn refused(caller: &Caller, refusal: &Refusal) -> Error {
    tracing::info!(text = refusal.for_admins(), "no place");
    Error::Capacity(if caller.is_admin() { refusal.for_admins() } else { refusal.for_users() })
}

impl Placed {
    /// How many GPUs it takes.
    pub(super) fn gpus(&self) -> usize {
        self.choice.picks.len()
    }
}

/// What was picked becomes the instance's.
pub(super) fn hold(tx: &mut Tx<'_>, placed: &Placed, vm: Id<id::Vm>) -> Result<()> {
    if placed.choice.picks.is_empty() {
        return placement::promise(tx, placed.host.id);
    }
    gpu_claim::claim_seen(tx, &placed.host, vm, &placed.choice.picks, &placed.seen)?;
    Ok(())
}
