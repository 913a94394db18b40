//! Zones, hosts and what belongs to them: the words their rows and answers use.

use super::machine::{NewPool, names};

text_enum! {
    /// Whether new work may be placed somewhere.
    Switch {
        /// It may.
        Enabled,
        /// It may not; what is there goes on.
        Disabled,
    }
}

text_enum! {
    /// How the guests of a zone are separated.
    NetworkType {
        /// One flat network.
        Basic,
        /// Networks of their own.
        Advanced,
    }
}

text_enum! {
    /// What runs the instances of a cluster.
    Hypervisor {
        /// Hosts with libvirt and QEMU.
        KVM,
        /// Simulated hosts.
        Simulator,
    }
}

text_enum! {
    /// Whether a host answers.
    HostState {
        /// It answers.
        Up,
        /// It has not answered for a while, or refuses us.
        Down,
        /// It stopped answering a short while ago.
        Disconnected,
        /// It was added or told to reconnect, and has not answered yet.
        Connecting,
        /// It answers, but something about it is wrong.
        Error,
    }
}

text_enum! {
    /// The administrator's switch of a host.
    ResourceState {
        /// New instances may be placed on it.
        Enabled,
        /// No new instances.
        Disabled,
        /// No new instances; it waits until the last one is gone.
        PrepareForMaintenance,
        /// Empty, and stays so.
        Maintenance,
        /// Given up by an administrator; its instances are elsewhere.
        Degraded,
    }
}

impl ResourceState {
    /// The word of `allocationstate` on the wire.
    pub const fn allocation(self) -> Switch {
        match self {
            Self::Enabled => Switch::Enabled,
            Self::Disabled | Self::PrepareForMaintenance | Self::Maintenance | Self::Degraded => {
                Switch::Disabled
            }
        }
    }
}

text_enum! {
    /// Who reaches a storage pool.
    PoolScope {
        /// One host.
        HOST,
        /// The hosts of a cluster.
        CLUSTER,
        /// The hosts of a zone.
        ZONE,
    }
}

text_enum! {
    /// What a storage pool is made of.
    PoolKind {
        /// A directory of one host.
        Filesystem,
        /// A directory that an administrator mounted on all hosts at the same place.
        SharedMountPoint,
        /// An NFS export that hosts mount.
        NetworkFilesystem,
    }
}

text_enum! {
    /// Whether a storage pool takes volumes.
    PoolState {
        /// It does.
        Up,
        /// It is made on its hosts.
        Initializing,
        /// It could not be made or is not there any more.
        Disabled,
    }
}

text_enum! {
    /// How far a template is.
    TemplateState {
        /// Its file is being fetched and looked at.
        Downloading,
        /// Instances can be made of it.
        Ready,
        /// It could not be fetched or was refused; its status says why.
        Failed,
    }
}

text_enum! {
    /// The formats of a template's file.
    ImageFormat {
        /// QEMU's own.
        QCOW2,
        /// The bytes of the disk.
        RAW,
        /// Named by clients of simulated hosts; kept as it is, never run for real.
        VHD,
    }
}

text_enum! {
    /// What kind of network an offering makes.
    GuestType {
        /// One owner's, behind a gateway.
        Isolated,
        /// Everyone's, on an existing bridge.
        Shared,
        /// A bare link.
        L2,
    }
}

/// A storage pool as its hosts know it. An NFS pool's path is `server:/export`.
pub fn pool_on_host(id: super::Id<super::id::StoragePool>, kind: PoolKind, path: &str) -> NewPool {
    let name = names::pool(id);
    match (kind, path.split_once(':')) {
        (PoolKind::NetworkFilesystem, Some((server, export))) => NewPool {
            path: format!("/var/lib/csgpu/mnt/{id}"),
            nfs: Some((server.to_owned(), export.to_owned())),
            name,
        },
        _ => NewPool { name, path: path.to_owned(), nfs: None },
    }
}

/// Finds a word of an enum whatever its case.
pub fn by_word<T: Copy + std::fmt::Display + 'static>(all: &[T], word: &str) -> Option<T> {
    all.iter().copied().find(|value| value.to_string().eq_ignore_ascii_case(word))
}

/// `Enabled` or `Disabled`, in any case.
pub fn switch(text: &str) -> Result<Switch, String> {
    by_word(Switch::ALL, text)
        .ok_or_else(|| format!("allocationstate {text} is neither Enabled nor Disabled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert_eq!(by_word(Hypervisor::ALL, "kvm"), Some(Hypervisor::KVM));
        assert_eq!(by_word(Hypervisor::ALL, "xen"), None);
    }
}
