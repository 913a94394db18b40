//! How a line gets its connection: through our ssh, or to a simulated host in this process.

use super::{fault::one_line, ssh::Tunnel};
use virt::connect::Connect;

/// Where a line leads.
pub(super) enum Dial {
    /// libvirt's test driver: the connection *is* the host, it lives as long as the connection.
    Local(String),
    /// A libvirtd behind ssh.
    Ssh(Box<Tunnel>),
}

impl Dial {
    /// Connects; blocks. The error is one line for addHost.
    pub(super) fn open(&self) -> Result<Connect, String> {
        match self {
            Self::Local(uri) => Connect::open(Some(uri)).map_err(|error| one_line(error.message())),
            Self::Ssh(tunnel) => {
                let uri = tunnel.prepare()?;
                let connect =
                    Connect::open(Some(&uri)).map_err(|error| tunnel.words(error.message()))?;
                // a peer that freezes is noticed after 20 s; without this a call would wait for ever
                connect.set_keep_alive(5, 3).map_err(|error| one_line(error.message()))?;
                Ok(connect)
            }
        }
    }

    /// Ends the call that the connection is in, by ending the ssh under it.
    pub(super) fn kill(&self) {
        if let Self::Ssh(tunnel) = self {
            tunnel.kill();
        }
    }

    /// Whether the host lives in this process.
    pub(super) const fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}
