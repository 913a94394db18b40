//! Hosts through libvirt: `qemu+ssh://` in production, libvirt's own test driver (`test:///file.xml`) for simulated ones.
//!
//! The test driver differs in what matters here: one connection is one world, so the connector keeps it for life and
//! shares it between drivers; nothing can be uploaded (an empty volume of that size stands in); a device that no domain
//! uses is clean; mediated devices exist only where the file has them.

mod bell;
mod dial;
mod domain;
mod driver;
mod fault;
mod hook;
mod line;
mod network;
mod nodedev;
mod proof;
mod raw;
mod simulator;
mod ssh;
mod storage;
mod upload;
mod xml;

pub use hook::DomainHook;
pub use simulator::{Flavour, simulate};
pub use ssh::{HostKey, Login, ensure_key, install_key, scan_and_pin};

use super::{Connector, Enrolled, Enrolment, HostAddress, HostDriver, HostFuture};
use crate::{
    domain::placement::Exact,
    error::{Error, Result},
};
use bell::Bell;
use dial::Dial;
use driver::LibvirtDriver;
use line::Line;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Where the connector keeps what it needs.
#[derive(Debug, Clone)]
pub struct LibvirtSettings {
    /// The service's ssh key pair; shared by all servers.
    pub keys: PathBuf,
    /// Scratch files of this process; a directory of its own is made in it and removed at the end.
    pub scratch: PathBuf,
    /// The directory that simulated hosts' files must lie in; `None`: there are none.
    pub simulators: Option<PathBuf>,
    /// The operator's program that may change definitions.
    pub hook: Option<DomainHook>,
}

/// A text without the devices of the host that it names as elements `hostdev`, and which these are.
///
/// # Errors
/// `Invalid`, when one of them cannot be understood.
pub fn take_devices(text: &str) -> Result<(String, Vec<Exact>)> {
    xml::take_devices(text).map_err(|why| Error::Invalid(format!("extraconfig: {why}")))
}

/// Whether this may be added to the definitions of instances. `allowed`: the names of elements.
///
/// # Errors
/// `Invalid`, with what is not taken and what to do instead.
pub fn check_extra(text: &str, allowed: &[String]) -> Result<()> {
    xml::check_extra(text, allowed).map_err(Error::Invalid)
}

/// A simulated host: its line and its bell.
type Simulated = (Arc<Line>, Arc<Bell>);

/// Opens hosts through libvirt.
pub struct LibvirtConnector {
    settings: LibvirtSettings,
    scratch: PathBuf,
    simulated: Mutex<HashMap<PathBuf, Simulated>>,
}

impl LibvirtConnector {
    /// A connector; makes its scratch directory.
    ///
    /// # Errors
    /// `Internal` when the directory cannot be made.
    pub fn new(settings: LibvirtSettings) -> Result<Self> {
        let own = format!("hosts-{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        let scratch = settings.scratch.join(own);
        let made = std::fs::create_dir_all(&scratch).and_then(|()| scratch.canonicalize());
        let scratch = made.map_err(|error| {
            Error::internal(format!("cannot make {}: {error}", scratch.display()))
        })?;
        Ok(Self { settings, scratch, simulated: Mutex::default() })
    }

    fn open_ssh(&self, address: &HostAddress) -> Result<LibvirtDriver> {
        let login = Login::parse(&address.uri)?;
        let away = |why| Error::Unreachable { host: address.name.clone(), why };
        // a host that is opened anew gets files of its own: the old one's thread may still be in its last call
        let unique = uuid::Uuid::new_v4().simple();
        let directory = self.scratch.join(format!("{}-{unique}", address.host));
        let ssh = ssh::Ssh::new(
            login,
            address.host_key.as_deref(),
            address.host.to_string(),
            &self.settings.keys,
            directory,
        )
        .map_err(away)?;
        let bell = Arc::<Bell>::default();
        let dial = |line: &str| Dial::Ssh(Box::new(ssh::Tunnel::new(ssh.clone(), line)));
        let (main, workers, copies) = driver::lines(&address.name, &bell, dial)?;
        Ok(LibvirtDriver {
            name: address.name.clone(),
            bell,
            line: Arc::new(main),
            workers,
            copies: Some(copies),
            ssh: Some(ssh),
            simulated: None,
            hook: self.settings.hook.clone(),
        })
    }

    fn open_simulated(&self, address: &HostAddress, path: &str) -> Result<LibvirtDriver> {
        let file = self.allowed(path)?;
        let mut simulated = self.simulated.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, bell) = match simulated.get(&file) {
            Some((line, bell)) => (line.clone(), bell.clone()),
            None => {
                let bell = Arc::<Bell>::default();
                let dial = Dial::Local(format!("test://{}", file.display()));
                let line = Arc::new(Line::main(&address.name, dial, bell.clone())?);
                simulated.insert(file.clone(), (line.clone(), bell.clone()));
                (line, bell)
            }
        };
        Ok(LibvirtDriver {
            name: address.name.clone(),
            bell,
            line,
            workers: Vec::new(),
            copies: None,
            ssh: None,
            simulated: Some(file),
            hook: self.settings.hook.clone(),
        })
    }

    /// Over ssh: reads and pins the host key, then installs the service's key if there is a password. A simulated host
    /// is made; one whose name starts with `amd` has AMD's GPUs.
    async fn first_contact(&self, new: &Enrolment) -> Result<Enrolled> {
        if let Some(name) = new.uri.strip_prefix("sim://") {
            let Some(directory) = &self.settings.simulators else {
                return Err(Error::invalid(
                    "simulated hosts are switched off: the configuration names no directory for them",
                ));
            };
            let flavour = if name.starts_with("amd") { Flavour::Amd } else { Flavour::Nvidia };
            let uri = simulate(directory, name, flavour, 8)?;
            return Ok(Enrolled { uri, host_key: None });
        }
        if new.uri.starts_with("test://") {
            return Ok(Enrolled { uri: new.uri.clone(), host_key: None });
        }
        let login = Login::parse(&new.uri)?;
        let public = ensure_key(&self.settings.keys).await?;
        let host_key = scan_and_pin(&login).await?;
        if let Some(password) = &new.password {
            install_key(&login, &host_key, password, &public, &self.scratch).await?;
        }
        Ok(Enrolled { uri: new.uri.clone(), host_key: Some(host_key.line()) })
    }

    /// The file, if it is one that may be opened.
    fn allowed(&self, path: &str) -> Result<PathBuf> {
        let no = || Error::invalid(format!("test://{path} is not a simulated host's file here"));
        let directory = self.settings.simulators.as_deref().ok_or_else(no)?;
        let directory = directory.canonicalize().map_err(|_| no())?;
        let file = Path::new(path).canonicalize().map_err(|_| no())?;
        if file.starts_with(&directory) && file.is_file() { Ok(file) } else { Err(no()) }
    }
}

impl Connector for LibvirtConnector {
    fn open(&self, address: &HostAddress) -> Result<Arc<dyn HostDriver>> {
        let driver = match address.uri.strip_prefix("test://") {
            Some(path) => self.open_simulated(address, path)?,
            None => self.open_ssh(address)?,
        };
        Ok(Arc::new(driver))
    }

    fn enrol<'a>(&'a self, new: &'a Enrolment) -> HostFuture<'a, Enrolled> {
        Box::pin(self.first_contact(new))
    }
}

impl Drop for LibvirtConnector {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

#[cfg(test)]
mod tests;
