//! CloudStack's names for what annotations can be written on, those included that this service has none of.

use super::Kind;

/// A type of things, as `entitytype` names it.
#[derive(Debug, PartialEq, Eq)]
pub struct EntityType {
    /// Its name on the wire.
    pub name: &'static str,
    /// The noun; none where this service has no such things.
    pub kind: Option<Kind>,
    /// Whether its things are users', so that others than root administrators may write on their own.
    pub is_of_users: bool,
}

macro_rules! entity_types {
    ($($name:literal $kind:expr, $users:literal;)*) => {
        const ALL: &[EntityType] = &[
            $(EntityType { name: $name, kind: $kind, is_of_users: $users }),*
        ];
    };
}

entity_types! {
    "VM" Some(Kind::Vm), true;
    "VOLUME" Some(Kind::Volume), true;
    "SNAPSHOT" None, true;
    "VM_SNAPSHOT" None, true;
    "INSTANCE_GROUP" None, true;
    "SSH_KEYPAIR" Some(Kind::SshKeyPair), true;
    "USER_DATA" None, true;
    "NETWORK" Some(Kind::Network), true;
    "VPC" None, true;
    "PUBLIC_IP_ADDRESS" None, true;
    "VPN_CUSTOMER_GATEWAY" None, true;
    "TEMPLATE" Some(Kind::Template), true;
    "ISO" None, true;
    "KUBERNETES_CLUSTER" None, true;
    "SERVICE_OFFERING" Some(Kind::ServiceOffering), false;
    "DISK_OFFERING" Some(Kind::DiskOffering), false;
    "NETWORK_OFFERING" Some(Kind::NetworkOffering), false;
    "ZONE" Some(Kind::Zone), false;
    "POD" Some(Kind::Pod), false;
    "CLUSTER" Some(Kind::Cluster), false;
    "HOST" Some(Kind::Host), false;
    "DOMAIN" Some(Kind::Domain), false;
    "PRIMARY_STORAGE" Some(Kind::StoragePool), false;
    "SECONDARY_STORAGE" Some(Kind::ImageStore), false;
    "VR" None, false;
    "SYSTEM_VM" None, false;
    "AUTOSCALE_VM_GROUP" None, true;
    "MANAGEMENT_SERVER" Some(Kind::Server), false;
}

impl EntityType {
    /// All of them.
    pub const ALL: &'static [Self] = ALL;

    /// The type of this name, which is written in capitals.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|one| one.name == name)
    }
}
