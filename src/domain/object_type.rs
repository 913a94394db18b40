//! CloudStack's names for what tags and details can be put on, those included that this service has none of.

use super::Kind;

/// A type of things, as `resourcetype` names it.
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectType {
    /// Its name on the wire.
    pub name: &'static str,
    /// The noun; none where this service has no such things.
    pub kind: Option<Kind>,
    /// Whether its things can have tags.
    pub has_tags: bool,
    /// Whether its things can have details.
    pub has_details: bool,
}

macro_rules! object_types {
    ($($name:literal $kind:expr, $tags:literal $details:literal;)*) => {
        const ALL: &[ObjectType] = &[
            $(ObjectType { name: $name, kind: $kind, has_tags: $tags, has_details: $details }),*
        ];
    };
}

object_types! {
    "UserVm" Some(Kind::Vm), true true;
    "Template" Some(Kind::Template), true true;
    "VnfTemplate" None, false false;
    "ISO" None, true false;
    "Volume" Some(Kind::Volume), true true;
    "Snapshot" None, true false;
    "Backup" None, true false;
    "Network" Some(Kind::Network), true true;
    "DomainRouter" None, false false;
    "Nic" Some(Kind::Nic), false true;
    "LoadBalancer" None, true true;
    "PortForwardingRule" None, true true;
    "FirewallRule" None, true true;
    "SecurityGroup" None, true false;
    "SecurityGroupRule" None, true false;
    "PublicIpAddress" None, true true;
    "Project" Some(Kind::Project), true false;
    "Account" Some(Kind::Account), true false;
    "Vpc" None, true true;
    "NetworkACL" None, true true;
    "StaticRoute" None, true false;
    "VMSnapshot" None, true false;
    "RemoteAccessVpn" None, true true;
    "Zone" Some(Kind::Zone), false true;
    "ServiceOffering" Some(Kind::ServiceOffering), false true;
    "Storage" Some(Kind::StoragePool), false true;
    "PrivateGateway" None, false true;
    "NetworkACLList" None, false true;
    "VpnGateway" None, false true;
    "CustomerGateway" None, false true;
    "VpnConnection" None, false true;
    "User" Some(Kind::User), true true;
    "DiskOffering" Some(Kind::DiskOffering), false true;
    "AutoScaleVmProfile" None, false true;
    "AutoScaleVmGroup" None, false true;
    "LBStickinessPolicy" None, false true;
    "LBHealthCheckPolicy" None, false true;
    "SnapshotPolicy" None, true true;
    "GuestOs" Some(Kind::OsType), false true;
    "NetworkOffering" Some(Kind::NetworkOffering), false true;
    "VpcOffering" None, true false;
    "Domain" Some(Kind::Domain), false false;
    "ObjectStore" None, false true;
}

impl ObjectType {
    /// All of them.
    pub const ALL: &'static [Self] = ALL;

    /// The type of this name, whatever its case.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// The type of these things.
    pub fn of(kind: Kind) -> Option<&'static Self> {
        ALL.iter().find(|one| one.kind == Some(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_name_in_any_case_and_by_noun() {
        assert_eq!(ObjectType::named("uservm").map(|one| one.name), Some("UserVm"));
        assert_eq!(ObjectType::named("Instance"), None);
        assert_eq!(ObjectType::of(Kind::StoragePool).map(|one| one.name), Some("Storage"));
        assert_eq!(ObjectType::of(Kind::Host), None);
    }
}
