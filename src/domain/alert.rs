//! What administrators are alarmed about: CloudStack's numbers and names where it has them, ours for GPUs.

/// A kind of alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertType {
    /// Its number on the wire.
    pub number: i16,
    /// Its name.
    pub name: &'static str,
}

/// A host does not answer.
pub const HOST: AlertType = AlertType { number: 7, name: "ALERT.COMPUTE.HOST" };
/// A device was not proven clean.
pub const GPU_QUARANTINED: AlertType = AlertType { number: 1161, name: "ALERT.GPU.QUARANTINED" };
/// A device that its host no longer shows.
pub const GPU_MISSING: AlertType = AlertType { number: 1162, name: "ALERT.GPU.MISSING" };
/// A device that a stranger uses.
pub const GPU_FOREIGN: AlertType = AlertType { number: 1163, name: "ALERT.GPU.FOREIGN" };
/// A disagreement between books and host.
pub const GPU_DRIFT: AlertType = AlertType { number: 1164, name: "ALERT.GPU.DRIFT" };

/// All that this service raises by itself.
pub const ALL: [AlertType; 5] = [HOST, GPU_QUARANTINED, GPU_MISSING, GPU_FOREIGN, GPU_DRIFT];
