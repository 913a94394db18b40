//! A client that does what the dice say to instances of its own, and writes down what came of it.

use super::{
    arena::{Arena, Size, Tenant},
    record::{Dice, Entry, Op, Outcome, State},
};
use crate::world::{Answer, Client};
use serde_json::Value;
use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed, time::Duration};

/// How many instances a client has at a time.
const SLOTS: usize = 4;
/// How long it waits before it asks again for jobs that have not ended.
const NAP: Duration = Duration::from_millis(15);

/// How long jobs may take to end once all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// One client.
pub struct Actor<'a> {
    arena: &'a Arena,
    tenant: &'a Tenant,
    dice: Dice,
    number: usize,
    slots: Vec<Slot>,
    made: usize,
    entries: Vec<Entry>,
}

/// An instance of its own.
struct Slot {
    name: String,
    gpus: Option<usize>,
    /// Its id, once there was an answer.
    id: Option<String>,
    /// What it was when it was looked at last; only a hint what to do next.
    hint: State,
    /// What is under way: what was asked when, and its job.
    jobs: Vec<(Op, Duration, String)>,
}

/// What a call came to.
enum Said {
    Yes(Value),
    No(String),
    /// No answer, or one that says that the database is away.
    Nothing(String),
}

impl<'a> Actor<'a> {
    pub fn new(arena: &'a Arena, number: usize, seed: u64) -> Self {
        let tenant = &arena.tenants[number % arena.tenants.len()];
        let dice = Dice::new(seed, number as u64);
        Self { arena, tenant, dice, number, slots: Vec::new(), made: 0, entries: Vec::new() }
    }

    /// Works until so many operations were made by all clients together; what it did, and the names of its instances.
    pub async fn work(mut self, operations: u64) -> Self {
        while self.arena.done.load(Relaxed) < operations {
            if self.slots.len() < SLOTS && self.dice.chance(50) {
                self.deploy().await;
                continue;
            }
            let number = self.dice.below(SLOTS);
            if number >= self.slots.len() {
                continue;
            }
            let busy = self.slots[number].jobs.len();
            if busy > 0 && !self.hear(number).await {
                // now and then somebody else wants something of the same instance
                if busy == 1 && self.dice.chance(3) {
                    self.act(number).await;
                } else {
                    tokio::time::sleep(NAP).await;
                }
                continue;
            }
            if self.slots[number].hint != State::Absent {
                self.act(number).await;
            }
            if self.slots[number].hint == State::Absent {
                self.slots.swap_remove(number);
            }
        }
        self
    }

    /// Waits for what is under way; to be called when all is well again.
    pub async fn rest(&mut self) {
        let end = self.arena.now() + PATIENCE;
        for number in 0..self.slots.len() {
            while !self.hear(number).await {
                let left = &self.slots[number].jobs;
                assert!(
                    self.arena.now() < end,
                    "{} does not end: {left:?}",
                    self.slots[number].name
                );
                tokio::time::sleep(NAP).await;
            }
        }
    }

    /// Looks at every instance that it ever made; then what it did.
    pub async fn report(mut self) -> Vec<Entry> {
        // what was written last of an instance is what it was promised
        let names: BTreeMap<String, Option<usize>> =
            self.entries.iter().map(|entry| (entry.name.clone(), entry.gpus)).collect();
        let client = self.client();
        // a page of all its instances, the removed ones not among them
        let words = [("listall", "true"), ("pagesize", "500"), ("page", "1")];
        let all = seen(&client, "listVirtualMachines", &words).await;
        for (name, gpus) in names {
            let rows = all["virtualmachine"].as_array().into_iter().flatten();
            let found = rows.into_iter().find(|vm| vm["name"] == name.as_str());
            let state = State::of(found.and_then(|vm| vm["state"].as_str()));
            let held = match found {
                Some(vm) if state == State::Running => {
                    let id = vm["id"].as_str().unwrap_or_default();
                    Some(held(&self.arena.admin.at(self.arena.addresses()[0]), id).await)
                }
                _ => None,
            };
            let at = self.arena.now();
            let outcome = Outcome::Seen(state, held);
            self.entries.push(Entry { name, gpus, op: Op::Look, asked: at, ended: at, outcome });
        }
        self.entries
    }

    fn client(&mut self) -> Client {
        let all = self.arena.addresses();
        self.tenant.client.at(all[self.dice.below(all.len())])
    }

    /// Who does this: a tenant may not expunge, an administrator does.
    fn client_for(&mut self, op: Op) -> Client {
        let own = self.client();
        match op {
            Op::DestroyForGood | Op::Expunge | Op::Recover => self.arena.admin.at(own.address()),
            _ => own,
        }
    }

    async fn ask(&mut self, command: &str, words: &[(&str, &str)]) -> Said {
        heard(self.client().try_call(command, words).await)
    }

    fn note(&mut self, slot: &Slot, op: Op, asked: Duration, outcome: Outcome) {
        let (name, gpus, ended) = (slot.name.clone(), slot.gpus, self.arena.now());
        self.entries.push(Entry { name, gpus, op, asked, ended, outcome });
    }

    async fn deploy(&mut self) {
        self.arena.count();
        self.made += 1;
        let name = format!("i{}-{}", self.number, self.made);
        let size: &Size = &self.arena.sizes[self.dice.below(self.arena.sizes.len())];
        let zone = &self.arena.zone.deploy;
        let mut words: Vec<(&str, &str)> = vec![
            ("name", &name),
            ("networkids", &self.tenant.network),
            (zone[0].0, &zone[0].1),
            (zone[1].0, &zone[1].1),
        ];
        words.extend(size.words.iter().map(|(key, value)| (*key, value.as_str())));
        let asked = self.arena.now();
        let said = self.ask("deployVirtualMachine", &words).await;
        let (hint, jobs) = (State::Moving, Vec::new());
        let mut slot = Slot { name: name.clone(), gpus: Some(size.gpus), id: None, hint, jobs };
        match said {
            Said::Yes(inner) => {
                slot.id = inner["id"].as_str().map(str::to_owned);
                let job = inner["jobid"].as_str().unwrap_or_default().to_owned();
                slot.jobs.push((Op::Deploy, asked, job));
                self.slots.push(slot);
            }
            Said::No(why) => self.note(&slot, Op::Deploy, asked, Outcome::Refused(why)),
            Said::Nothing(why) => self.note(&slot, Op::Deploy, asked, Outcome::Lost(why)),
        }
    }

    /// Asks for the jobs of an instance; true when none is left.
    async fn hear(&mut self, number: usize) -> bool {
        let jobs = std::mem::take(&mut self.slots[number].jobs);
        let mut left = Vec::new();
        for (op, asked, job) in jobs {
            let client = self.client_for(op);
            let said = heard(client.try_call("queryAsyncJobResult", &[("jobid", &job)]).await);
            let Said::Yes(state) = said else {
                left.push((op, asked, job));
                continue;
            };
            let outcome = match state["jobstatus"].as_i64() {
                Some(1) => Outcome::Done,
                Some(2) => {
                    let why = state["jobresult"]["errortext"].as_str();
                    Outcome::Failed(why.unwrap_or_default().to_owned())
                }
                _ => {
                    left.push((op, asked, job));
                    continue;
                }
            };
            let is_gone =
                matches!(op, Op::DestroyForGood | Op::Expunge) && outcome == Outcome::Done;
            let slot = self.slots.swap_remove(number);
            self.note(&slot, op, asked, outcome);
            self.slots.push(slot);
            let last = self.slots.len() - 1;
            self.slots.swap(number, last);
            self.slots[number].hint = if is_gone { State::Absent } else { State::Moving };
        }
        self.slots[number].jobs = left;
        self.slots[number].jobs.is_empty()
    }

    /// Does something to an instance, more often what fits what it was seen as.
    async fn act(&mut self, number: usize) {
        self.arena.count();
        let hint = self.slots[number].hint;
        let fits: &[(usize, Op)] = match hint {
            State::Moving => &[(1, Op::Look)],
            State::Running => &[
                (4, Op::Stop),
                (2, Op::ForcedStop),
                (1, Op::Reboot),
                (1, Op::Destroy),
                (4, Op::DestroyForGood),
                (1, Op::Start),
                (1, Op::Scale),
                (1, Op::Look),
            ],
            State::Stopped => &[
                (5, Op::Start),
                (1, Op::Destroy),
                (3, Op::DestroyForGood),
                (1, Op::Reboot),
                (1, Op::Change),
                (1, Op::Scale),
            ],
            State::Destroyed => &[(1, Op::Expunge), (2, Op::Recover), (1, Op::Start)],
            State::Error => &[(1, Op::DestroyForGood)],
            State::Absent => return,
        };
        let op = self.dice.pick(fits);
        let Some(id) = self.slots[number].id.clone() else { return };
        match op {
            Op::Look => self.look(number, &id).await,
            _ => self.change(number, op, &id).await,
        }
    }

    async fn look(&mut self, number: usize, id: &str) {
        let asked = self.arena.now();
        let said = self.ask("listVirtualMachines", &[("id", id)]).await;
        let state = match &said {
            Said::Yes(found) => State::of(found["virtualmachine"][0]["state"].as_str()),
            // an id that is not there any more is an error, and the only one
            Said::No(why) if why.starts_with("431") => State::Absent,
            Said::No(why) => panic!("{id} cannot be looked at, asked {asked:?}: {why}"),
            Said::Nothing(_) => return,
        };
        let slot = &mut self.slots[number];
        slot.hint = state;
        let (name, gpus) = (slot.name.clone(), slot.gpus);
        let outcome = Outcome::Seen(state, None);
        let ended = self.arena.now();
        self.entries.push(Entry { name, gpus, op: Op::Look, asked, ended, outcome });
    }

    async fn change(&mut self, number: usize, op: Op, id: &str) {
        let size: &Size = &self.arena.sizes[self.dice.below(self.arena.sizes.len())];
        let mut other: Vec<(&str, &str)> =
            size.words.iter().map(|(key, value)| (*key, value.as_str())).collect();
        if size.gpus == 0 {
            other.push(("gpucount", "0"));
        }
        let (command, more): (&str, &[(&str, &str)]) = match op {
            Op::Change => ("changeServiceForVirtualMachine", &other),
            Op::Scale => ("scaleVirtualMachine", &other),
            Op::Start => ("startVirtualMachine", &[]),
            Op::Stop => ("stopVirtualMachine", &[]),
            Op::ForcedStop => ("stopVirtualMachine", &[("forced", "true")]),
            Op::Reboot => ("rebootVirtualMachine", &[]),
            Op::Destroy => ("destroyVirtualMachine", &[]),
            Op::DestroyForGood => ("destroyVirtualMachine", &[("expunge", "true")]),
            Op::Expunge => ("expungeVirtualMachine", &[]),
            Op::Recover => ("recoverVirtualMachine", &[]),
            Op::Deploy | Op::Look => return,
        };
        let asked = self.arena.now();
        let client = self.client_for(op);
        let words = [&[("id", id)][..], more].concat();
        let said = heard(client.try_call(command, &words).await);
        if matches!(op, Op::Change | Op::Scale) {
            let promised = &mut self.slots[number].gpus;
            match (&said, op) {
                (Said::No(_), _) => {}
                (Said::Yes(_), Op::Change) => *promised = Some(size.gpus),
                // a job that fails may have changed it or not
                _ => *promised = None,
            }
        }
        let outcome = match said {
            Said::Yes(inner) => match inner["jobid"].as_str() {
                Some(job) => {
                    self.slots[number].jobs.push((op, asked, job.to_owned()));
                    return;
                }
                None => Outcome::Done,
            },
            Said::No(why) => Outcome::Refused(why),
            Said::Nothing(why) => Outcome::Lost(why),
        };
        let slot = &mut self.slots[number];
        slot.hint = State::Moving;
        let (name, gpus, ended) = (slot.name.clone(), slot.gpus, self.arena.now());
        self.entries.push(Entry { name, gpus, op, asked, ended, outcome });
    }
}

/// How many devices an instance holds.
async fn held(admin: &Client, vm: &str) -> usize {
    let words = [("virtualmachineid", vm), ("pagesize", "100"), ("page", "1")];
    let found = seen(admin, "listGpuDevices", &words).await;
    found["gpudevice"].as_array().map_or(0, Vec::len)
}

/// What a list says. A server that has too much to do says so, and is asked again.
pub async fn seen(client: &Client, command: &str, words: &[(&str, &str)]) -> Value {
    let mut said = client.call(command, words).await;
    for _ in 0..20 {
        if said.status != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        said = client.call(command, words).await;
    }
    assert_eq!(said.status, 200, "{command} {words:?}: {}", said.text());
    said.inner().clone()
}

/// Errors that say nothing about what was done: the server or its database was on its way out.
fn heard(answer: std::io::Result<Answer>) -> Said {
    match answer {
        Err(error) => Said::Nothing(error.to_string()),
        Ok(answer) if answer.status == 200 => Said::Yes(answer.inner().clone()),
        Ok(answer) => {
            let text = format!("{} {}", answer.status, answer.error());
            let conflict = answer.inner()["cserrorcode"] == 4300;
            match answer.status {
                503 => Said::Nothing(text),
                530 if !conflict => Said::Nothing(text),
                _ => Said::No(text),
            }
        }
    }
}
