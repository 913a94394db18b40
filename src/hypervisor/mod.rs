//! The port to the hosts: some twenty verbs in our words, each safe to repeat. Nothing outside this layer assumes a
//! hypervisor; only `libvirt/` knows libvirt, only `libvirt/xml/` knows XML.

pub mod fake;
mod hosts;
pub mod libvirt;
pub mod seed;
pub use hosts::Hosts;

use crate::{
    domain::{Id, id, machine::*},
    error::Result,
};
use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc};
use uuid::Uuid;

/// What a verb returns: boxed, so that drivers are values.
pub type HostFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Whether a host answers, as its connection sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Connected and alive.
    Up,
    /// Not connected; why, in one line. The connection keeps trying.
    Down(String),
}

/// Why a host is not connected of which nothing is known yet: the first attempt is under way.
pub const CONNECTING: &str = "still connecting";

/// Something a host said by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEvent {
    /// The connection came up or went down.
    Link(Link),
    /// A domain started or stopped.
    Domain(Uuid),
    /// Devices came or went.
    Devices,
}

/// How a domain is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ask the guest, wait this many seconds, then destroy.
    Graceful {
        /// Seconds to wait.
        seconds: u32,
    },
    /// At once.
    Forced,
}

/// One host. Every verb describes an outcome, returns when it holds, and may be repeated at any time.
///
/// Errors: `Error::Unreachable` (nothing is known, try again later), `Error::Unavailable` (the host refused, with its words).
pub trait HostDriver: Send + Sync {
    /// Whether the host answers now; from memory, no call.
    fn link(&self) -> Link;
    /// Size and identity.
    fn probe(&self) -> HostFuture<'_, HostFacts>;
    /// PCI functions and mediated devices.
    fn devices(&self) -> HostFuture<'_, SeenDevices>;
    /// All domains with the devices their XML names.
    fn domains(&self) -> HostFuture<'_, Vec<SeenDomain>>;
    /// What a domain has besides devices; nothing, when there is no such domain.
    fn parts(&self, domain: Uuid) -> HostFuture<'_, SeenParts>;
    /// The pool exists and is active; returns (capacity, available).
    fn ensure_pool<'a>(&'a self, pool: &'a NewPool) -> HostFuture<'a, (Bytes, Bytes)>;
    /// The pool is no longer active nor defined; its files stay.
    fn ensure_no_pool<'a>(&'a self, name: &'a str) -> HostFuture<'a, ()>;
    /// The volume holds the file's content (template, seed). `size` is the virtual size for an image without content.
    fn ensure_uploaded<'a>(&'a self, volume: &'a NewVolume, file: PathBuf) -> HostFuture<'a, ()>;
    /// The volume exists.
    fn ensure_volume<'a>(&'a self, volume: &'a NewVolume) -> HostFuture<'a, ()>;
    /// The volume does not exist.
    fn ensure_no_volume<'a>(&'a self, volume: &'a VolumeRef) -> HostFuture<'a, ()>;
    /// The NAT network exists, is active, and has exactly these leases.
    fn ensure_network<'a>(&'a self, network: &'a NewNetwork) -> HostFuture<'a, ()>;
    /// The network does not exist.
    fn ensure_no_network<'a>(&'a self, name: &'a str) -> HostFuture<'a, ()>;
    /// The slices that are made on demand exist.
    fn ensure_slices<'a>(&'a self, devices: &'a [DeviceRef]) -> HostFuture<'a, ()>;
    /// The domain is defined exactly so (redefined when it is not running).
    fn ensure_defined<'a>(&'a self, machine: &'a MachineSpec) -> HostFuture<'a, ()>;
    /// The domain runs.
    fn ensure_running(&self, domain: Uuid) -> HostFuture<'_, ()>;
    /// The guest is asked to reboot; one that cannot be asked is reset. Whether a guest that was asked listens is its own
    /// affair, as it is with a power button.
    fn reboot(&self, domain: Uuid) -> HostFuture<'_, ()>;
    /// The domain does not run.
    fn ensure_stopped(&self, domain: Uuid, how: Stop) -> HostFuture<'_, ()>;
    /// The domain is not defined (and does not run).
    fn ensure_undefined(&self, domain: Uuid) -> HostFuture<'_, ()>;
    /// Removes on-demand slices, re-attaches, resets and re-reads one device that no domain uses any more.
    /// `vendor` and `device` are the ids it must read live; `driver` is the one it had before, if known.
    fn prove_clean<'a>(
        &'a self,
        device: &'a DeviceRef,
        expected: &'a ExpectedDevice,
    ) -> HostFuture<'a, Proof>;
    /// Events from now on; a second call replaces the first receiver.
    fn events(&self) -> tokio::sync::mpsc::UnboundedReceiver<HostEvent>;
    /// Closes the connection and ends the host's thread.
    fn close(&self);
}

/// What a released device must show.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExpectedDevice {
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// The driver before the allocation; `None`: none was bound.
    pub driver: Option<String>,
}

/// How to reach a host: parsed once from addHost's `url`, stored as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddress {
    /// The host's id in the store.
    pub host: Id<id::Host>,
    /// Its name, for messages.
    pub name: String,
    /// `qemu+ssh://user@host:port/system`, `test:///absolute/path.xml`, or `fake://name`.
    pub uri: String,
    /// The pinned ssh host key as a known_hosts line, if the URI is over ssh.
    pub host_key: Option<String>,
}

/// A machine that is being added.
#[derive(Clone)]
pub struct Enrolment {
    /// `qemu+ssh://user@host:port/system`, `test:///absolute/path.xml`, `fake://name`, or `sim://name` for a simulated
    /// host that is made now.
    pub uri: String,
    /// Used once, to install the service's key; never kept.
    pub password: Option<String>,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// How an added machine is reached from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Its URI.
    pub uri: String,
    /// Its ssh host key as a known_hosts line.
    pub host_key: Option<String>,
}

/// Opens hosts; one per kind of URI. Opening returns at once, the link comes up by itself.
pub trait Connector: Send + Sync {
    /// A driver for this address.
    fn open(&self, address: &HostAddress) -> Result<Arc<dyn HostDriver>>;
    /// The first contact with a machine that is being added: what it is reached by from then on. Over ssh its host key
    /// is read, and a password installs the service's key; a simulated host is made.
    fn enrol<'a>(&'a self, new: &'a Enrolment) -> HostFuture<'a, Enrolled> {
        Box::pin(async move { Ok(Enrolled { uri: new.uri.clone(), host_key: None }) })
    }
}

/// Opens every kind of host, by the scheme of its URI.
pub struct AnyConnector {
    /// `fake://`; `None`: this service has no in-memory hosts.
    pub fake: Option<fake::FakeConnector>,
    /// `qemu+ssh://` and `test:///`.
    pub libvirt: libvirt::LibvirtConnector,
}

impl Connector for AnyConnector {
    fn open(&self, address: &HostAddress) -> Result<Arc<dyn HostDriver>> {
        match (&self.fake, address.uri.split_once("://")) {
            (Some(fake), Some(("fake", _))) => fake.open(address),
            (_, Some(("qemu+ssh" | "test", _))) => self.libvirt.open(address),
            _ => Err(crate::error::Error::invalid(format!(
                "{} is no address of a host: qemu+ssh://user@host:port/system",
                address.uri
            ))),
        }
    }

    fn enrol<'a>(&'a self, new: &'a Enrolment) -> HostFuture<'a, Enrolled> {
        match (&self.fake, new.uri.split_once("://")) {
            (Some(fake), Some(("fake" | "sim", _))) => fake.enrol(new),
            _ => self.libvirt.enrol(new),
        }
    }
}
