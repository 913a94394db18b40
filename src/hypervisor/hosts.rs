//! All hosts that this server talks to, by id.

use super::{Connector, Enrolled, Enrolment, HostAddress, HostDriver};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The open hosts of this server.
pub struct Hosts {
    connector: Arc<dyn Connector>,
    open: RwLock<HashMap<Id<id::Host>, Arc<dyn HostDriver>>>,
}

impl std::fmt::Debug for Hosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hosts")
    }
}

impl Hosts {
    /// No hosts yet.
    pub fn new(connector: Arc<dyn Connector>) -> Self {
        Self { connector, open: RwLock::default() }
    }

    /// The driver of an open host. Error: unreachable, when this server has not opened it.
    pub fn at(&self, host: Id<id::Host>) -> Result<Arc<dyn HostDriver>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&host).cloned().ok_or_else(|| Error::Unreachable {
            host: host.to_string(),
            why: "this server has no connection to it yet".into(),
        })
    }

    /// Opens a host without keeping it: for the checks of addHost.
    pub fn try_open(&self, address: &HostAddress) -> Result<Arc<dyn HostDriver>> {
        self.connector.open(address)
    }

    /// The first contact with a machine that is being added.
    pub async fn enrol(&self, new: &Enrolment) -> Result<Enrolled> {
        self.connector.enrol(new).await
    }

    /// Keeps an open host, in place of an earlier connection to it.
    pub fn keep(&self, host: Id<id::Host>, driver: Arc<dyn HostDriver>) {
        let before = self.open.write().unwrap_or_else(PoisonError::into_inner).insert(host, driver);
        if let Some(before) = before {
            before.close();
        }
    }

    /// Opens and keeps a host, unless it is open.
    pub fn ensure_open(&self, address: &HostAddress) -> Result<Arc<dyn HostDriver>> {
        if let Ok(driver) = self.at(address.host) {
            return Ok(driver);
        }
        let driver = self.connector.open(address)?;
        self.keep(address.host, Arc::clone(&driver));
        Ok(driver)
    }

    /// Forgets a host.
    pub fn close(&self, host: Id<id::Host>) {
        let before = self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&host);
        if let Some(before) = before {
            before.close();
        }
    }

    /// The ids of all open hosts.
    pub fn ids(&self) -> Vec<Id<id::Host>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}
