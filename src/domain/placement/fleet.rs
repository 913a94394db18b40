//! All hosts of a zone, kept in order: a decision asks each kind of host once instead of every host.
//!
//! Hosts of one class whose devices look alike stand in one group, ordered by free memory. Of a group everything but
//! CPUs, memory, pools and the host's own name is known at once, so a decision compares groups and then walks through
//! the best of them. It answers what [`super::scan`] answers. A fleet is a snapshot: it proposes, the claim decides.

use super::{
    Alternative, Candidate, Chosen, Class, Demand, Mix, PoolRoom, Refusal,
    decision::OTHERS,
    looks::{self, Known, Look},
    rank::{Choice, Key, choice, gpu_key, is_by_id, plain_key},
    stock,
};
use crate::domain::{Id, id, machine::Bytes};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many choices are handed out: enough to try again when somebody was faster.
const CHOICES: usize = 16;

/// The hosts of a zone.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    mix: Mix,
    pub(super) hosts: HashMap<Id<id::Host>, Entry>,
    pub(super) groups: BTreeMap<Group, Places>,
    pub(super) classes: Vec<Class>,
    class_numbers: HashMap<Class, usize>,
    pub(super) stands: Vec<Stand>,
    stand_numbers: HashMap<Stand, usize>,
    known: Vec<Known>,
    look_numbers: HashMap<Look, usize>,
}

/// A host and the group it stands in.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) candidate: Candidate,
    pub(super) group: Group,
    /// Its nodes as they appear in each look of its stand.
    pub(super) nodes: Vec<Vec<u32>>,
}

/// The looks of a host, by profile.
pub(super) type Stand = Vec<(Id<id::VgpuProfile>, usize)>;

/// Hosts of one class with the same looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) class: usize,
    stand: usize,
}

/// The hosts of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// By what they have.
    by_room: BTreeSet<Place>,
    by_id: BTreeSet<Id<id::Host>>,
    /// By the memory of the largest of the nodes where something is free.
    pub(super) by_node: BTreeSet<(Bytes, Id<id::Host>)>,
    /// Those with nodes where something is free and nobody can be bound to.
    pub(super) full: BTreeSet<Id<id::Host>>,
}

impl Places {
    /// How many hosts there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The hosts in order of their ids.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Id<id::Host>> {
        self.by_id.iter()
    }
}

/// A host's place in its group: free memory, free CPU, the host.
pub(super) type Place = (u64, u64, Id<id::Host>);

impl Fleet {
    /// No hosts; what others are expected to ask for.
    pub fn new(mix: Mix) -> Self {
        Self { mix, ..Self::default() }
    }

    /// How many hosts there are.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there is no host.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// A host as it was when it was put here.
    pub fn get(&self, host: Id<id::Host>) -> Option<&Candidate> {
        self.hosts.get(&host).map(|entry| &entry.candidate)
    }

    /// All hosts, in no order.
    pub fn hosts(&self) -> impl Iterator<Item = &Candidate> {
        self.hosts.values().map(|entry| &entry.candidate)
    }

    /// Adds a host, or replaces what was known of it.
    pub fn put(&mut self, candidate: Candidate) {
        self.remove(candidate.host);
        if self.known.len() > 4 * self.hosts.len() + 4096 {
            self.forget();
        }
        let class = intern(&candidate.class, &mut self.classes, &mut self.class_numbers);
        let (stand, nodes) = self.stand(&candidate);
        let group = Group { class, stand };
        let entry = Entry { candidate, group, nodes };
        let places = self.groups.entry(group).or_default();
        places.by_room.insert(place(&entry.candidate));
        places.by_id.insert(entry.candidate.host);
        places.by_node.insert((entry.largest_node(), entry.candidate.host));
        if entry.has_full_nodes() {
            places.full.insert(entry.candidate.host);
        }
        self.hosts.insert(entry.candidate.host, entry);
    }

    /// Takes a host away.
    pub fn remove(&mut self, host: Id<id::Host>) -> Option<Candidate> {
        let entry = self.hosts.remove(&host)?;
        if let Some(places) = self.groups.get_mut(&entry.group) {
            places.by_room.remove(&place(&entry.candidate));
            places.by_id.remove(&host);
            places.by_node.remove(&(entry.largest_node(), host));
            places.full.remove(&host);
            if places.by_id.is_empty() {
                self.groups.remove(&entry.group);
            }
        }
        Some(entry.candidate)
    }

    /// The pools of each host, anew.
    pub fn set_pools<'a>(&mut self, of: impl Fn(&Candidate) -> Vec<&'a PoolRoom>) {
        for Entry { candidate, .. } in self.hosts.values_mut() {
            let now = of(candidate);
            if !candidate.pools.iter().eq(now.iter().copied()) {
                candidate.pools = now.into_iter().cloned().collect();
            }
        }
    }

    /// Drops looks that no host has any more.
    fn forget(&mut self) {
        let mut fresh = Self::new(self.mix);
        self.hosts.drain().for_each(|(_, entry)| fresh.put(entry.candidate));
        *self = fresh;
    }

    fn stand(&mut self, candidate: &Candidate) -> (usize, Vec<Vec<u32>>) {
        let devices = candidate.devices.iter().map(|d| d.standing.profile);
        let mut profiles: Vec<Id<id::VgpuProfile>> =
            devices.chain(candidate.rooms.iter().map(|room| room.profile)).collect();
        profiles.sort_unstable();
        profiles.dedup();
        let mut stand = Stand::with_capacity(profiles.len());
        let mut nodes = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let mut stock = stock(candidate, profile);
            let look = looks::look(&mut stock, &candidate.fabric);
            nodes.push(looks::nodes(&stock.free));
            let number = match self.look_numbers.get(&look) {
                Some(number) => *number,
                None => {
                    self.known.push(Known::new(&look, stock.free));
                    self.look_numbers.insert(look, self.known.len() - 1);
                    self.known.len() - 1
                }
            };
            stand.push((profile, number));
        }
        (intern(&stand, &mut self.stands, &mut self.stand_numbers), nodes)
    }

    /// What the hosts of a group have of a profile.
    pub(super) fn known(
        &mut self,
        group: Group,
        profile: Id<id::VgpuProfile>,
    ) -> Option<&mut Known> {
        let (_, look) = self.look(group, profile)?;
        Some(&mut self.known[look])
    }

    /// The look that the hosts of a group have of a profile: its place among their looks, and its number.
    pub(super) fn look(
        &self,
        group: Group,
        profile: Id<id::VgpuProfile>,
    ) -> Option<(usize, usize)> {
        let stand = &self.stands[group.stand];
        let at = stand.binary_search_by_key(&profile, |(profile, _)| *profile).ok()?;
        Some((at, stand[at].1))
    }

    /// What is known of a look.
    pub(super) fn looked(&mut self, look: usize) -> &mut Known {
        &mut self.known[look]
    }

    /// Whether hosts of this group have GPUs at all.
    fn has_gpus(&self, group: Group) -> bool {
        !self.stands[group.stand].is_empty()
    }

    /// What others are expected to ask for.
    pub fn mix(&self) -> Mix {
        self.mix
    }

    /// The best ways to meet a demand, best first, all of one alternative; or why there is none. The order depends on
    /// nothing but what the hosts are.
    pub fn choose(&mut self, demand: &Demand) -> Result<Vec<Choice>, Refusal> {
        if !demand.exact.is_empty() {
            return self.choose_exact(demand);
        }
        if demand.host.is_some() || demand.affinity.only.is_some() {
            return self.choose_among(demand);
        }
        match self.find(demand) {
            Some(found) => Ok(self.all(demand, &found, found.hosts.iter())),
            None => Err(Refusal::explain(self, demand)),
        }
    }

    /// The first of the best places that will do and is wished for as much as the best, among those that a decision
    /// remembers; and which of them it is. What [`Fleet::choose`] would tell, but only these are worked out.
    pub fn pick(
        &mut self,
        demand: &Demand,
        will_do: impl Fn(Id<id::Host>) -> bool,
    ) -> Option<(Vec<Choice>, usize)> {
        let at = |mut hosts: std::slice::Iter<'_, Id<id::Host>>| {
            let best = demand.wish(*hosts.clone().next()?);
            hosts.position(|host| will_do(*host) && demand.wish(*host) == best)
        };
        let is_named = demand.host.is_some() || demand.affinity.only.is_some();
        if is_named || !demand.exact.is_empty() {
            let choices = self.choose(demand).ok()?;
            let hosts: Vec<Id<id::Host>> = choices.iter().map(|choice| choice.host).collect();
            let at = at(hosts.iter())?;
            return Some((choices, at));
        }
        let found = self.find(demand)?;
        let at = at(found.hosts.iter())?;
        let before = found.hosts[..at].iter().take(OTHERS);
        let after = found.hosts[at..].iter().take(1 + OTHERS - before.len());
        let place = before.len();
        Some((self.all(demand, &found, before.chain(after)), place))
    }

    /// These of the places that were found, worked out.
    fn all<'a>(
        &mut self,
        demand: &Demand,
        found: &Found,
        hosts: impl Iterator<Item = &'a Id<id::Host>>,
    ) -> Vec<Choice> {
        hosts.filter_map(|host| self.materialize(demand, found.alternative, *host)).collect()
    }

    /// Of a few hosts that are named.
    fn choose_among(&mut self, demand: &Demand) -> Result<Vec<Choice>, Refusal> {
        let named: Vec<Id<id::Host>> = match (&demand.host, &demand.affinity.only) {
            (Some(host), _) => vec![*host],
            (None, Some(only)) => only.iter().copied().collect(),
            (None, None) => Vec::new(),
        };
        let fits = |host: &Id<id::Host>| demand.host_why_not(*host).is_none();
        let mut few = Self::new(self.mix);
        let asked = named.iter().filter(|host| fits(host)).filter_map(|host| self.get(*host));
        asked.for_each(|candidate| few.put(candidate.clone()));
        if let Some(found) = few.find(demand) {
            return Ok(few.all(demand, &found, found.hosts.iter()));
        }
        let mut refusal = Refusal::explain(&mut few, demand);
        let others = match demand.host {
            Some(host) => usize::from(self.get(host).is_some() && !fits(&host)),
            None => self.len() - few.len(),
        };
        let why = match demand.host {
            Some(host) => demand.host_why_not(host),
            None => Some("without the instances of its affinity group"),
        };
        refusal.add_others(why.unwrap_or_default(), others);
        Err(refusal)
    }

    /// The best hosts for the first alternative that any host can meet.
    fn find(&mut self, demand: &Demand) -> Option<Found> {
        let classes: Vec<bool> =
            self.classes.iter().map(|class| class.why_not(&demand.needs).is_none()).collect();
        let open: Vec<Group> =
            self.groups.keys().copied().filter(|group| classes[group.class]).collect();
        if demand.alternatives.is_empty() {
            let keyed = open.iter().map(|group| (plain_key(self.has_gpus(*group)), *group));
            let keyed = keyed.collect();
            return Found::of(None, self.walk(demand, None, keyed));
        }
        let policy = demand.policy(self.mix);
        demand.alternatives.iter().enumerate().find_map(|(n, alternative)| {
            let mut keyed = Vec::new();
            for group in &open {
                let Some(known) = self.known(*group, alternative.profile) else { continue };
                let free = known.free();
                if let Some(answer) = known.answer(alternative.count, policy) {
                    keyed.push((gpu_key(demand, &answer.cost, free), *group));
                }
            }
            Found::of(Some(n), self.walk(demand, Some(alternative), keyed))
        })
    }

    /// The best hosts of these groups, each of which has the key that its hosts have at best.
    fn walk(
        &mut self,
        demand: &Demand,
        wanted: Option<&Alternative>,
        mut keyed: Vec<([u64; 3], Group)>,
    ) -> Vec<Id<id::Host>> {
        keyed.sort_unstable();
        let mut found: Vec<(Key, Id<id::Host>)> = Vec::new();
        for run in keyed.chunk_by(|a, b| a.0 == b.0) {
            let best = run[0].0;
            if found.iter().filter(|(key, _)| key.gpus < best).count() >= CHOICES {
                break;
            }
            for (gpus, group) in run {
                // a wish comes first in the key, so those who are wished for or shunned are looked at below
                let is_plain = |candidate: &Candidate| demand.wish(candidate.host) == 1;
                let seats = self.seats(demand, wanted, (*gpus, *group), is_plain, CHOICES);
                found.extend(seats);
            }
        }
        let wished: BTreeSet<_> =
            demand.affinity.rather.union(&demand.affinity.rather_not).copied().collect();
        for host in wished.into_iter().filter(|host| demand.wish(*host) != 1) {
            found.extend(self.seat(demand, wanted, &keyed, host));
        }
        found.sort_unstable();
        found.into_iter().take(CHOICES).map(|(_, host)| host).collect()
    }

    /// The hosts of a group that have CPUs, memory and a pool for the demand, in order of preference.
    pub(super) fn fitting<'a>(
        &'a self,
        demand: &'a Demand,
        group: Group,
    ) -> impl Iterator<Item = &'a Entry> {
        let least: Place = (demand.memory, 0, Id::from_uuid(uuid::Uuid::nil()));
        let places = self.groups.get(&group).filter(|p| p.by_room.last() >= Some(&least));
        let (by_id, by_room) = match (places, is_by_id(demand)) {
            (None, _) => (None, None),
            (Some(places), true) => (Some(places.by_id.iter()), None),
            (Some(places), false) => (None, Some(places.by_room.range(least..))),
        };
        let is_spread = demand.packing == super::Packing::Spread;
        let mut by_room = by_room.into_iter().flatten();
        let by_room =
            std::iter::from_fn(
                move || if is_spread { by_room.next_back() } else { by_room.next() },
            );
        by_id
            .into_iter()
            .flatten()
            .chain(by_room.map(|(_, _, host)| host))
            .filter_map(|host| self.hosts.get(host))
            .filter(|Entry { candidate, .. }| {
                demand.host_why_not(candidate.host).is_none()
                    && demand.room_why_not(candidate).is_none()
            })
    }

    fn materialize(
        &mut self,
        demand: &Demand,
        n: Option<usize>,
        host: Id<id::Host>,
    ) -> Option<Choice> {
        let Some(alternative) = n.map(|n| &demand.alternatives[n]) else {
            return Some(choice(demand, self.get(host)?, None, None));
        };
        let policy = demand.policy(self.mix);
        let answer = self.answer_on(host, demand.load(), policy, alternative)?.clone();
        let candidate = self.get(host)?;
        let mut free = stock(candidate, alternative.profile).free;
        free.sort_by_key(|d| d.pick);
        let chosen: Chosen = answer.on(&free);
        Some(choice(demand, candidate, n, Some(chosen)))
    }
}

/// The best hosts, best first; nothing is worked out yet.
#[derive(Debug)]
struct Found {
    alternative: Option<usize>,
    hosts: Vec<Id<id::Host>>,
}

impl Found {
    fn of(alternative: Option<usize>, hosts: Vec<Id<id::Host>>) -> Option<Self> {
        (!hosts.is_empty()).then_some(Self { alternative, hosts })
    }
}

fn place(candidate: &Candidate) -> Place {
    (candidate.free_memory, candidate.free_mhz, candidate.host)
}

fn intern<T: Clone + Eq + std::hash::Hash>(
    item: &T,
    all: &mut Vec<T>,
    numbers: &mut HashMap<T, usize>,
) -> usize {
    if let Some(number) = numbers.get(item) {
        return *number;
    }
    all.push(item.clone());
    numbers.insert(item.clone(), all.len() - 1);
    all.len() - 1
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
