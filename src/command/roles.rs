//! May this role call this command? The five kinds by annotation, the four read-only and support roles by rules.

use super::Spec;
use crate::domain::identity::{Caller, RoleType};

const SUPPORT_ADMIN: &[&str] = &[
    "prepareHostForMaintenance",
    "cancelHostMaintenance",
    "enableStorageMaintenance",
    "cancelStorageMaintenance",
    "createServiceOffering",
    "createDiskOffering",
    "createNetworkOffering",
    "startVirtualMachine",
    "stopVirtualMachine",
    "rebootVirtualMachine",
    "createVolume",
    "attachVolume",
    "detachVolume",
    "registerTemplate",
];
const SUPPORT_USER: &[&str] = &[
    "startVirtualMachine",
    "stopVirtualMachine",
    "rebootVirtualMachine",
    "createVolume",
    "attachVolume",
    "detachVolume",
    "registerTemplate",
];

/// Whether the caller's role allows the command (dialect section 6.2).
pub(super) fn allows(caller: &Caller, spec: &Spec) -> bool {
    let by_kind = spec.roles.contains(&caller.role);
    let reads = spec.name == "queryAsyncJobResult"
        || spec.name.starts_with("list")
        || spec.name.starts_with("get");
    match caller.role_name.as_str() {
        "Root Admin" => true,
        "Read-Only Admin - Default" => reads,
        "Support Admin - Default" => reads || SUPPORT_ADMIN.contains(&spec.name),
        "Read-Only User - Default" => reads && spec.roles.contains(&RoleType::User),
        "Support User - Default" => {
            spec.roles.contains(&RoleType::User) && (reads || SUPPORT_USER.contains(&spec.name))
        }
        _ => by_kind,
    }
}
