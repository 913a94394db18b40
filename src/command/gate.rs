//! Is this call taken at all: from where does it come, and were there too many?
//!
//! The settings behind that are kept in memory under their revision, which comes with the caller's own row, together
//! with the list that the account has of its own: a change holds for the next request, at every server, and costs one
//! statement the first time it is met.

use super::Kernel;
use crate::{
    domain::{
        access::{Access, Origin},
        identity::Caller,
    },
    error::Result,
    store::{gate::Standing, setting},
};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// The settings, with their revision; none before anything was ever changed.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<(Option<String>, Arc<Access>)>);

/// What a caller's calls are measured by.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    access: Arc<Access>,
    own: Option<String>,
}

impl Pass {
    /// The address that the request comes from.
    pub fn source(&self, origin: &Origin) -> Option<IpAddr> {
        self.access.source(origin)
    }

    /// Whether the account may call from there.
    pub fn takes(&self, origin: &Origin) -> bool {
        self.access.takes(self.own.as_deref(), self.source(origin))
    }
}

impl Kernel {
    /// What the calls of the account are measured by that has this standing. No statement, but the first time that a
    /// revision is met.
    pub(super) async fn pass(&self, standing: Standing) -> Result<Pass> {
        let Standing { sources: own, revision } = standing;
        let kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if kept.0 == revision {
            return Ok(Pass { access: kept.1, own });
        }
        let mut changed = self.wiring().db.read(setting::changed).await?;
        let access = Arc::new(Access::new(&changed));
        let revision = changed.remove(setting::REVISION);
        *self.kept.0.lock().unwrap_or_else(PoisonError::into_inner) =
            (revision, Arc::clone(&access));
        Ok(Pass { access, own })
    }

    /// Counts a call of the account. Error: there were too many.
    pub fn count(&self, caller: &Caller, pass: &Pass) -> Result<()> {
        match pass.access.rate {
            Some(rate) if !caller.is_admin() => {
                self.wiring().throttle.count(caller.account, rate, Instant::now())
            }
            _ => Ok(()),
        }
    }
}
