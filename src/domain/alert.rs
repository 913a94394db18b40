//! What administrators are alarmed about: CloudStack's numbers and names where it has them, ours for GPUs.

/// A kind of alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertType {
    /// Its number on the wire.
    pub number: i16,
    /// Its name.
    pub name: &'static str,
}

/// Instances are promised nearly all memory of a cluster.
pub const MEMORY: AlertType = AlertType { number: 0, name: "ALERT.MEMORY" };
/// Instances are promised nearly all CPU speed of a cluster.
pub const CPU: AlertType = AlertType { number: 1, name: "ALERT.CPU" };
/// The storage that the hosts of a cluster share is nearly full.
pub const STORAGE: AlertType = AlertType { number: 2, name: "ALERT.STORAGE" };
/// Volumes are promised nearly all storage of a cluster.
pub const STORAGE_ALLOCATED: AlertType = AlertType { number: 3, name: "ALERT.STORAGE.ALLOCATED" };
/// A host does not answer.
pub const HOST: AlertType = AlertType { number: 7, name: "ALERT.COMPUTE.HOST" };
/// Nearly all addresses of the shared networks of a zone are in use.
pub const SHARED_ADDRESSES: AlertType =
    AlertType { number: 24, name: "ALERT.NETWORK.DIRECTPUBLICIP" };
/// The storage of the single hosts of a cluster is nearly full.
pub const LOCAL_STORAGE: AlertType = AlertType { number: 25, name: "ALERT.STORAGE.LOCAL" };
/// A device was not proven clean.
pub const GPU_QUARANTINED: AlertType = AlertType { number: 1161, name: "ALERT.GPU.QUARANTINED" };
/// A device that its host no longer shows.
pub const GPU_MISSING: AlertType = AlertType { number: 1162, name: "ALERT.GPU.MISSING" };
/// A device that a stranger uses.
pub const GPU_FOREIGN: AlertType = AlertType { number: 1163, name: "ALERT.GPU.FOREIGN" };
/// A disagreement between books and host.
pub const GPU_DRIFT: AlertType = AlertType { number: 1164, name: "ALERT.GPU.DRIFT" };
/// Instances hold nearly all GPUs of a cluster.
pub const GPU_CAPACITY: AlertType = AlertType { number: 1165, name: "ALERT.GPU.CAPACITY" };

/// All that this service raises by itself.
pub const ALL: [AlertType; 12] = [
    MEMORY,
    CPU,
    STORAGE,
    STORAGE_ALLOCATED,
    HOST,
    SHARED_ADDRESSES,
    LOCAL_STORAGE,
    GPU_QUARANTINED,
    GPU_MISSING,
    GPU_FOREIGN,
    GPU_DRIFT,
    GPU_CAPACITY,
];
