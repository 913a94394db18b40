//! In-memory hosts: for tests, benchmarks and `--hosts fake`. They keep the rules a real host keeps, write down every
//! attempt to give one device to two domains, and fail exactly when a test says so.

mod driver;
mod faults;
mod host;
mod shape;
mod state;

pub use host::FakeHost;
pub use shape::FakeShape;
pub use state::{FakeDomain, Ran};

use super::{Connector, Enrolled, Enrolment, HostAddress, HostDriver, HostFuture};
use crate::error::{Error, Result};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// What the hosts of one connector share: which domain runs where.
#[derive(Debug, Default)]
pub(super) struct World {
    running: Mutex<BTreeMap<Uuid, String>>,
}

impl World {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The domain now runs on this host; returns the other host it already runs on.
    fn started(&self, id: Uuid, host: &str) -> Option<String> {
        let mut running = self.lock();
        match running.get(&id) {
            Some(other) if other != host => Some(other.clone()),
            _ => {
                running.insert(id, host.to_owned());
                None
            }
        }
    }

    fn stopped(&self, id: Uuid, host: &str) {
        let mut running = self.lock();
        if running.get(&id).is_some_and(|on| on == host) {
            running.remove(&id);
        }
    }
}

/// Opens fake hosts. Clones share their hosts, so two servers of one test see the same ones.
#[derive(Debug, Clone, Default)]
pub struct FakeConnector {
    hosts: Arc<Mutex<BTreeMap<String, FakeHost>>>,
    world: Arc<World>,
}

impl FakeConnector {
    /// Adds a host, or replaces the one of this name.
    pub fn add(&self, shape: FakeShape) -> FakeHost {
        let name = shape.name.clone();
        let host = FakeHost::new(shape, self.world.clone());
        self.lock().insert(name, host.clone());
        host
    }

    /// The host of this name or URI, if it was added or opened before.
    pub fn host(&self, name: &str) -> Option<FakeHost> {
        let name = name.strip_prefix("fake://").unwrap_or(name);
        self.lock().get(name.split('?').next().unwrap_or(name)).cloned()
    }

    /// All hosts, by name.
    pub fn hosts(&self) -> Vec<FakeHost> {
        self.lock().values().cloned().collect()
    }

    /// The violations of all hosts; must be empty at the end of every test.
    pub fn violations(&self) -> Vec<String> {
        self.hosts().iter().flat_map(FakeHost::violations).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, FakeHost>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for FakeConnector {
    /// A host nobody added gets 8 GPUs, or what its URI says: `fake://name?gpus=4&numa=2&cpus=64&memory=512`.
    fn open(&self, address: &HostAddress) -> Result<Arc<dyn HostDriver>> {
        let rest = address.uri.strip_prefix("fake://").filter(|rest| !rest.is_empty());
        let rest =
            rest.ok_or_else(|| Error::invalid(format!("{} names no fake host", address.uri)))?;
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        let host = match self.host(name) {
            Some(host) => host,
            None => self.add(FakeShape::from_uri(name, query)),
        };
        Ok(Arc::new(driver::FakeDriver::new(host)))
    }

    /// `sim://name` is `fake://name`.
    fn enrol<'a>(&'a self, new: &'a Enrolment) -> HostFuture<'a, Enrolled> {
        let uri = match new.uri.strip_prefix("sim://") {
            Some(name) => format!("fake://{name}"),
            None => new.uri.clone(),
        };
        Box::pin(async move { Ok(Enrolled { uri, host_key: None }) })
    }
}

#[cfg(test)]
mod tests;
