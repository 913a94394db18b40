//! How commands and jobs reach hosts: their addresses, the first contact, what hosts say by themselves.

pub use crate::hypervisor::{
    CONNECTING, Enrolled, Enrolment, ExpectedDevice, HostDriver, HostEvent, Hosts, Link, Stop,
};
use crate::{
    domain::{Id, id, machine::HostFacts},
    error::{Error, Result},
    hypervisor::HostAddress,
    store::host::Host,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long the first contact may take in all: clients give up after ten seconds.
const FIRST_CONTACT: Duration = Duration::from_millis(8500);

/// How a host in the books is reached.
pub fn address(host: &Host) -> HostAddress {
    HostAddress {
        host: host.id,
        name: host.name.clone(),
        uri: host.uri.clone(),
        host_key: host.host_key.clone(),
    }
}

/// A machine that answered for the first time.
pub struct Greeted {
    /// How it is reached.
    pub enrolled: Enrolled,
    /// Its connection, not kept yet.
    pub driver: Arc<dyn HostDriver>,
    /// What it said.
    pub facts: HostFacts,
}

impl std::fmt::Debug for Greeted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Greeted").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// The first contact with a machine that may become the host with this id. Errors say what is wrong with it; nothing is
/// kept then.
pub async fn greet(hosts: &Hosts, new: &Enrolment, host: Id<id::Host>) -> Result<Greeted> {
    let end = Instant::now() + FIRST_CONTACT;
    let late = |what: &str| Error::Unreachable {
        host: new.uri.clone(),
        why: format!("{what} did not answer within {} seconds", FIRST_CONTACT.as_secs()),
    };
    let enrolled = timeout_at(end, hosts.enrol(new)).await.map_err(|_| late("ssh"))??;
    let (uri, host_key) = (enrolled.uri.clone(), enrolled.host_key.clone());
    let driver = hosts.try_open(&HostAddress { host, name: uri.clone(), uri, host_key })?;
    match timeout_at(end, driver.probe()).await {
        Ok(Ok(facts)) => Ok(Greeted { enrolled, driver, facts }),
        Ok(Err(error)) => {
            driver.close();
            Err(error)
        }
        Err(_) => {
            driver.close();
            Err(match driver.link() {
                Link::Down(why) if !why.is_empty() => Error::Unreachable {
                    host: enrolled.uri,
                    why: format!("{why}; gave up after {} seconds", FIRST_CONTACT.as_secs()),
                },
                Link::Down(_) | Link::Up => late("libvirt"),
            })
        }
    }
}
