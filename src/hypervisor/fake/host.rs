//! A fake host as tests hold it: what is on it, what goes wrong on it, what was asked of it.

use super::{
    World,
    faults::{Fate, Gate},
    shape::FakeShape,
    state::{FakeDomain, Ran, State},
};
use crate::{
    domain::{gpu::PciAddress, machine::*},
    error::{Error, Result},
    hypervisor::{HostEvent, Link},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// One fake host; clones are the same host.
#[derive(Clone, Debug)]
pub struct FakeHost {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) gate: Arc<Gate>,
    pub(super) world: Arc<World>,
}

impl FakeHost {
    pub(super) fn new(shape: FakeShape, world: Arc<World>) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(shape))), gate: Arc::default(), world }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.lock().shape.name.clone()
    }

    /// Its address: `fake://name`.
    pub fn uri(&self) -> String {
        format!("fake://{}", self.name())
    }

    /// The n-th call from now on (1: the next) fails once without being done.
    pub fn fail_at(&self, n: u64) {
        self.lock().faults.fail_in = n;
    }

    /// The next call of this verb fails once without being done.
    pub fn fail_next(&self, verb: &'static str) {
        self.lock().faults.verb = Some(verb);
    }

    /// The n-th call from now on is done, but its caller hears that the host is unreachable.
    pub fn fail_after(&self, n: u64) {
        self.lock().faults.lose_in = n;
    }

    /// The n-th call from now on is done, then the host hangs until `resume`: its caller never hears of it.
    pub fn hang_after(&self, n: u64) {
        self.lock().faults.hang_in = n;
    }

    /// Whether the host hangs.
    pub fn is_hung(&self) -> bool {
        self.gate.is_closed()
    }

    /// No scripted fault is left; an already closed gate opens, a host that is down comes up.
    pub fn heal(&self) {
        let mut state = self.lock();
        (state.faults.fail_in, state.faults.lose_in, state.faults.hang_in) = (0, 0, 0);
        state.faults.verb = None;
        state.doubts.clear();
        drop(state);
        self.resume();
        self.up();
    }

    /// Calls wait until `resume`.
    pub fn hang(&self) {
        self.gate.close();
    }

    /// Calls that wait go on.
    pub fn resume(&self) {
        self.gate.open();
    }

    /// The host does not answer any more.
    pub fn down(&self, why: &str) {
        let mut state = self.lock();
        state.faults.down = Some(why.to_owned());
        state.tell(&HostEvent::Link(Link::Down(why.to_owned())));
    }

    /// The host answers again.
    pub fn up(&self) {
        let mut state = self.lock();
        if state.faults.down.take().is_some() {
            state.tell(&HostEvent::Link(Link::Up));
        }
    }

    /// The host loses power: it is down, and no domain runs on it when it is back.
    pub fn power_cut(&self) {
        self.down("power cut");
        let ids: Vec<Uuid> = self.lock().domains.keys().copied().collect();
        for id in ids {
            self.halt(id);
        }
        let mut state = self.lock();
        state.mdevs.clear();
    }

    /// The proof of this function fails with this doubt; `None`: it succeeds again.
    pub fn doubt(&self, address: PciAddress, why: Option<&str>) {
        let mut state = self.lock();
        match why {
            Some(why) => state.doubts.insert(address, why.to_owned()),
            None => state.doubts.remove(&address),
        };
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls.len() as u64
    }

    /// The names of the verbs called so far, in order.
    pub fn history(&self) -> Vec<&'static str> {
        self.lock().calls.clone()
    }

    /// Every start that would have given a device, slice or disk to two domains. Tests assert that it is empty.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// The devices that were proven clean, in order.
    pub fn proven(&self) -> Vec<DeviceRef> {
        self.lock().proven.clone()
    }

    /// Every domain that runs or ran, in order of their starts; those of intruders not.
    pub fn diary(&self) -> Vec<Ran> {
        self.lock().diary.clone()
    }

    /// What the host shows of its functions, whoever asks.
    pub fn functions(&self) -> Vec<SeenFunction> {
        self.lock().shape.functions.clone()
    }

    /// The domain, if it is defined.
    pub fn domain(&self, id: Uuid) -> Option<FakeDomain> {
        self.lock().domains.get(&id).cloned()
    }

    /// The ids of all defined domains.
    pub fn domain_ids(&self) -> Vec<Uuid> {
        self.lock().domains.keys().copied().collect()
    }

    /// The ids of the domains that run.
    pub fn running(&self) -> Vec<Uuid> {
        let state = self.lock();
        state.domains.iter().filter(|(_, d)| d.running.is_some()).map(|(id, _)| *id).collect()
    }

    /// All volumes that exist.
    pub fn volumes(&self) -> Vec<VolumeRef> {
        self.lock().volumes.keys().cloned().collect()
    }

    /// All networks that exist.
    pub fn networks(&self) -> Vec<NewNetwork> {
        self.lock().networks.values().cloned().collect()
    }

    /// All mediated devices that exist.
    pub fn mdevs(&self) -> Vec<SeenMdev> {
        self.lock().mdevs.values().cloned().collect()
    }

    /// The addresses of its functions, in order.
    pub fn addresses(&self) -> Vec<PciAddress> {
        self.lock().shape.functions.iter().map(|function| function.address).collect()
    }

    /// Changes what the host shows of its functions (unplug, plug, swap), and says so.
    pub fn change(&self, edit: impl FnOnce(&mut Vec<SeenFunction>)) {
        let mut state = self.lock();
        edit(&mut state.shape.functions);
        state.tell(&HostEvent::Devices);
    }

    /// The guest stops by itself; the domain stays defined.
    pub fn halt(&self, id: Uuid) {
        let mut state = self.lock();
        if let Some(domain) = state.domains.get_mut(&id) {
            domain.running = None;
            self.world.stopped(id, &state.shape.name);
            state.ran_until(id);
            state.tell(&HostEvent::Domain(id));
        }
    }

    /// Somebody removes the domain behind our back.
    pub fn lose(&self, id: Uuid) {
        self.halt(id);
        self.lock().domains.remove(&id);
    }

    /// Somebody defines and starts a domain behind our back, with disks of his own; no rule is checked.
    pub fn intrude(&self, spec: MachineSpec) {
        let mut state = self.lock();
        let id = spec.uuid;
        for DiskSpec { volume, format } in spec.disks.clone() {
            let capacity = 1 << 30;
            let new = NewVolume { volume: volume.clone(), format, capacity, base: None };
            state.volumes.entry(volume).or_insert(new);
        }
        state.domains.insert(id, FakeDomain { running: Some(spec.clone()), spec });
        state.tell(&HostEvent::Domain(id));
    }

    /// One host call: counted, held back, failed or answered as scripted.
    pub(super) async fn call<T>(
        &self,
        verb: &'static str,
        act: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        self.gate.pass().await;
        let outcome = {
            let mut state = self.lock();
            state.calls.push(verb);
            let lost = |state: &State, why: &str| {
                let why = state.faults.down.as_deref().unwrap_or(why).to_owned();
                Err(Error::Unreachable { host: state.shape.name.clone(), why })
            };
            match state.faults.next(verb) {
                Fate::Failed => lost(&state, "the call did not get through"),
                Fate::Answered => act(&mut state),
                Fate::AnswerLost => {
                    let _ = act(&mut state);
                    lost(&state, "the answer was lost")
                }
                Fate::Hung => {
                    self.gate.close();
                    act(&mut state)
                }
            }
        };
        self.gate.pass().await;
        outcome
    }
}
