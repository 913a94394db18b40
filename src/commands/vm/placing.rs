//! Choosing a host and taking it, in one transaction.
//!
//! The choice is made among the hosts in memory. The host is seized if it is still at the generation that is known of it
//! ([`gpu_claim::seize`]); that is all there is to it as long as nobody was faster. Else everything is looked at for
//! certain, and of several hosts that will do, one whose lock is free is taken first; it is read once more under the
//! lock where it changed in between. Nobody is refused before that.

use super::draft::Order;
use crate::{
    command::prelude::*,
    domain::placement::{Candidate, Choice, Decision, Demand, Fleet, Mix, Refusal},
    store::{
        fleet::ZoneFleet,
        gpu_claim::{self, LockedHost, Seized},
        limit,
        owner::Owner,
        placement::{self, Depth},
    },
};
use std::sync::Arc;

/// How many of the best choices are tried before waiting for the best.
const TRIES: usize = 6;

/// How often a host is seized by what memory says of it.
const OFFERS: usize = 2;

/// A place that was taken: the host is locked until the transaction ends.
#[derive(Debug)]
pub(super) struct Placed {
    /// The host.
    pub(super) host: Seized,
    /// Where the disks will lie; none: no disk was asked.
    pub(super) pool: Option<Id<id::StoragePool>>,
    /// What is to be claimed.
    choice: Choice,
    /// Why, as JSON.
    pub(super) decision: Option<String>,
    /// The host as it is under the lock.
    seen: Candidate,
    /// Where that is known from.
    fleet: Arc<ZoneFleet>,
}

/// The best place that can be had; to be asked before the transaction writes anything else. Error: capacity, with the
/// reasons; lost race, when others were faster everywhere.
pub(super) fn place(env: &Env, tx: &mut Tx<'_>, caller: &Caller, order: &Order) -> Result<Placed> {
    let fleet = env.fleet(order.zone);
    for _ in 0..OFFERS {
        fleet.look(tx)?;
        let Some(mut offer) = fleet.offer(&order.demand) else { break };
        if offer.choice().alternative.is_some_and(|n| n > 0) {
            // what is preferred may have come back a moment ago
            drop(offer);
            fleet.look_anew(tx)?;
            let Some(again) = fleet.offer(&order.demand) else { break };
            offer = again;
        }
        if let Some(host) = gpu_claim::seize(tx, offer.choice().host, offer.generation)? {
            let decision = decide(&fleet, order, offer.choice(), &offer.choices)?;
            let placed = placed(host, offer.choice(), &offer.seen, &fleet);
            offer.accept(tx, &order.demand);
            return Ok(Placed { decision, ..placed });
        }
        offer.refuse();
    }
    fleet.look_at_all(tx)?;
    let choices = fleet
        .choose(&order.demand)
        .map_err(|refusal| refused(caller, with_left(caller, refusal, &fleet, &order.demand)))?;
    let [first, others @ ..] = choices.as_slice() else {
        return Err(Error::internal("no choice and no refusal"));
    };
    let mix = env.settings.demand_mix;
    let mut found = None;
    if !others.is_empty() {
        for choice in choices.iter().take(TRIES) {
            if let Some(host) = gpu_claim::try_lock_host(tx, choice.host)?
                && let Some(placed) = take(tx, order, mix, &host, choice, &fleet)?
            {
                found = Some(placed);
                break;
            }
        }
    }
    let placed = match found {
        Some(placed) => placed,
        None => {
            let host = gpu_claim::lock_host(tx, first.host)?;
            take(tx, order, mix, &host, first, &fleet)?.ok_or(Error::LostRace("host"))?
        }
    };
    let decision = decide(&fleet, order, &placed.choice, &choices)?;
    Ok(Placed { decision, ..placed })
}

/// Why it was this one, as JSON; with why the alternatives before it could not be met.
fn decide(
    fleet: &ZoneFleet,
    order: &Order,
    choice: &Choice,
    choices: &[Choice],
) -> Result<Option<String>> {
    let hosts = fleet.ask(|fleet| fleet.len());
    let mut decision = Decision::new(&order.demand, choice, choices, hosts);
    if let Some(before) = choice.alternative.filter(|n| *n > 0) {
        let alternatives = order.demand.alternatives[..before].to_vec();
        let preferred = Demand { alternatives, ..order.demand.clone() };
        if let Err(refusal) = fleet.choose(&preferred) {
            decision.passed_over(&refusal);
        }
    }
    let text = serde_json::to_string(&decision).map_err(|e| Error::Internal(Box::new(e)))?;
    Ok(Some(text))
}

/// How many hosts there are, and what would be tried; nothing is locked.
pub(super) fn consider(
    env: &Env,
    tx: &mut Tx<'_>,
    caller: &Caller,
    order: &Order,
) -> Result<(usize, Result<Vec<Choice>, Refusal>)> {
    let fleet = env.fleet(order.zone);
    fleet.look_at_all(tx)?;
    let found = fleet.choose(&order.demand);
    let found = found.map_err(|refusal| with_left(caller, refusal, &fleet, &order.demand));
    Ok((fleet.ask(|fleet| fleet.len()), found))
}

/// A refusal that also says how much of what was asked still fits in other shapes, to those who are told.
fn with_left(caller: &Caller, refusal: Refusal, fleet: &ZoneFleet, demand: &Demand) -> Refusal {
    if !caller.is_admin() {
        return refusal;
    }
    Refusal { left: fleet.ask(|fleet| fleet.left_for(demand)), ..refusal }
}

/// The choice, if it still holds under the lock; else the best there is on this host now.
fn take(
    tx: &mut Tx<'_>,
    order: &Order,
    mix: Mix,
    host: &LockedHost,
    choice: &Choice,
    fleet: &Arc<ZoneFleet>,
) -> Result<Option<Placed>> {
    let is_open = host.state == "Up" && host.resource_state == "Enabled";
    if let Some((seen, generation)) = fleet.get(host.id)
        && is_open
        && generation == host.generation
    {
        return Ok(Some(placed(gpu_claim::seize_locked(tx, host)?, choice, &seen, fleet)));
    }
    let now = placement::candidates(tx, order.zone, Some(&[host.id]), Depth::Slices)?;
    let Some(seen) = now.into_iter().next().map(|spot| spot.candidate) else { return Ok(None) };
    let Some(choice) = only(seen.clone(), &order.demand, mix) else { return Ok(None) };
    Ok(Some(placed(gpu_claim::seize_locked(tx, host)?, &choice, &seen, fleet)))
}

fn placed(host: Seized, choice: &Choice, seen: &Candidate, fleet: &Arc<ZoneFleet>) -> Placed {
    let (choice, seen, fleet) = (choice.clone(), seen.clone(), Arc::clone(fleet));
    Placed { host, pool: choice.pool, choice, decision: None, seen, fleet }
}

/// The best there is on one host.
fn only(candidate: Candidate, demand: &Demand, mix: Mix) -> Option<Choice> {
    let mut fleet = Fleet::new(mix);
    fleet.put(candidate);
    fleet.choose(demand).ok()?.into_iter().next()
}

/// Which demand failed and what would fit; how many hosts for which reason is for administrators.
fn refused(caller: &Caller, refusal: Refusal) -> Error {
    tracing::info!(text = refusal.for_admins(), "no place");
    Error::Capacity(if caller.is_admin() { refusal.for_admins() } else { refusal.for_users() })
}

/// What was picked becomes the instance's. Returns what that counts.
pub(super) fn hold(
    tx: &mut Tx<'_>,
    placed: &Placed,
    holder: (Id<id::Vm>, Owner),
) -> Result<limit::Bill> {
    let claimed =
        gpu_claim::claim_seen(tx, &placed.host, holder, &placed.choice.picks, &placed.seen);
    if claimed.is_err() {
        placed.fleet.doubt(placed.host.id);
    }
    Ok(limit::bill_of_known_gpus(placed.choice.picks.len(), claimed?))
}
