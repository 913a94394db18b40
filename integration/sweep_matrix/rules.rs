//! What is right, written down: who may call what, and whose things who sees. Nothing here is read from the service.

use csgpu::domain::Kind;

/// The callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Root,
    ReadOnlyRoot,
    ResourceAdmin,
    DomainAdmin,
    User,
    ReadOnlyUser,
    ProjectMember,
}

/// The owners, as a caller stands to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Own,
    SameDomain,
    ChildDomain,
    Foreign,
    Project,
}

pub const CALLERS: [Who; 7] = [
    Who::Root,
    Who::ReadOnlyRoot,
    Who::ResourceAdmin,
    Who::DomainAdmin,
    Who::User,
    Who::ReadOnlyUser,
    Who::ProjectMember,
];

pub const OWNERS: [Whose; 5] =
    [Whose::Own, Whose::SameDomain, Whose::ChildDomain, Whose::Foreign, Whose::Project];

/// Who sees whose: own, same domain, child domain, foreign domain, a project of the caller's domain.
const SIGHT: [(Who, [bool; 5]); 7] = [
    (Who::Root, [true, true, true, true, true]),
    (Who::ReadOnlyRoot, [true, true, true, true, true]),
    (Who::ResourceAdmin, [true, true, true, false, true]),
    (Who::DomainAdmin, [true, true, true, false, true]),
    (Who::User, [true, false, false, false, false]),
    (Who::ReadOnlyUser, [true, false, false, false, false]),
    (Who::ProjectMember, [true, false, false, false, true]),
];

/// Whose the rows of a noun are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Of an account or a project: the table above.
    Owned,
    /// Of an account, never of a project.
    Personal,
    /// An account; the one behind a project is nobody's to name.
    Account,
    /// A domain: everyone may name the own one.
    Domain,
    /// Of the cloud: whoever may call the command may name it.
    Cloud,
}

/// Every noun. One that is new does not compile until it has its place here.
pub const fn class(kind: Kind) -> Class {
    match kind {
        Kind::Project
        | Kind::Template
        | Kind::Network
        | Kind::Nic
        | Kind::Volume
        | Kind::Vm
        | Kind::SshKeyPair
        | Kind::AffinityGroup => Class::Owned,
        Kind::Account => Class::Account,
        Kind::User | Kind::Job | Kind::Event => Class::Personal,
        Kind::Domain => Class::Domain,
        Kind::Role
        | Kind::RolePermission
        | Kind::Zone
        | Kind::Pod
        | Kind::Cluster
        | Kind::Host
        | Kind::StoragePool
        | Kind::ImageStore
        | Kind::OsType
        | Kind::OsCategory
        | Kind::NetworkOffering
        | Kind::PhysicalNetwork
        | Kind::TrafficType
        | Kind::ServiceOffering
        | Kind::DiskOffering
        | Kind::GpuCard
        | Kind::VgpuProfile
        | Kind::GpuDevice
        | Kind::GpuOffering
        | Kind::Server
        | Kind::Alert
        | Kind::GpuDrift => Class::Cloud,
    }
}

impl Who {
    /// Whether ownership does not bind this caller.
    pub fn is_root(self) -> bool {
        matches!(self, Self::Root | Self::ReadOnlyRoot)
    }
}

/// Whether a caller sees a thing of this noun and owner; `None`: there is no such thing.
pub fn sees(who: Who, whose: Whose, kind: Kind) -> Option<bool> {
    let (_, row) = SIGHT.iter().find(|(of, _)| *of == who)?;
    let column = OWNERS.iter().position(|of| *of == whose)?;
    match class(kind) {
        Class::Owned => Some(row[column]),
        Class::Personal if whose == Whose::Project => None,
        Class::Personal => Some(row[column]),
        Class::Account => Some(row[column] && whose != Whose::Project),
        Class::Domain if whose == Whose::Project => None,
        // users share their domain with their neighbours
        Class::Domain => Some(row[column] || whose == Whose::SameDomain),
        Class::Cloud => Some(true),
    }
}

/// What everybody with an account may call.
const EVERYONE: &str = "\
    activateProject addAccountToProject addUserToProject archiveEvents changeServiceForVirtualMachine createAffinityGroup createNetwork \
    createProject createProjectRole createProjectRolePermission createSSHKeyPair createTags deleteAccountFromProject deleteAffinityGroup deleteEvents deleteNetwork \
    deleteProject deleteProjectInvitation deleteProjectRole deleteProjectRolePermission deleteSSHKeyPair deleteUserFromProject deleteTags deleteTemplate deployVirtualMachine destroyVirtualMachine explainPlacement \
    expungeVirtualMachine getApiLimit getUserKeys getVirtualMachineUserData listAccounts listAffinityGroupTypes \
    listAffinityGroups listApis listAsyncJobs listCapabilities listDiskOfferings listEventTypes listEvents \
    listGpuDevices listGpuOfferings listHypervisors listLdapConfigurations listNetworkOfferings listNetworks \
    listOsCategories listOsTypes listPlacementDecisions listProjectAccounts listProjectInvitations listProjectRolePermissions listProjectRoles listProjects \
    listResourceDetails listResourceLimits listSSHKeyPairs listServiceOfferings listTags listTemplates listUsageRecords listUsageTypes \
    listUserTwoFactorAuthenticatorProviders listUsers listVirtualMachines listVolumes listZones queryAsyncJobResult \
    rebootVirtualMachine recoverVirtualMachine registerSSHKeyPair registerTemplate registerUserKeys \
    scaleVirtualMachine startVirtualMachine stopVirtualMachine suspendProject updateNetwork updateProject updateProjectInvitation updateProjectRole updateProjectRolePermission \
    updateTemplate updateUser updateVMAffinityGroup updateVirtualMachine";

/// What administrators of domains and of resources may call beside.
const BOTH_ADMINS: &str = "\
    createAccount createServiceOffering createUser deleteAccount deleteServiceOffering deleteUser disableAccount \
    disableUser enableAccount enableUser listDomains listGpuCards listRoles listVgpuProfiles lockAccount lockUser \
    updateAccount updateResourceCount updateResourceLimit updateServiceOffering";

/// What administrators of domains alone may call beside.
const DOMAIN_ADMINS: &str = "createDomain deleteDomain updateDomain";

/// What administrators of resources alone may call beside.
const RESOURCE_ADMINS: &str =
    "addHost deleteHost listAlerts listCapacity listClusters listHosts listPods listStoragePools";

/// All of these.
pub const LISTS: [&str; 4] = [EVERYONE, BOTH_ADMINS, DOMAIN_ADMINS, RESOURCE_ADMINS];

/// Whether a caller may call a command. What stands in no list is for root administrators, so a new command that
/// others may call is refused here until it has its line.
pub fn may(who: Who, command: &str) -> bool {
    let is_in = |list: &str| list.split_whitespace().any(|name| name == command);
    let reads = ["list", "get", "query"].iter().any(|verb| command.starts_with(verb));
    let admins = |own: &str| is_in(EVERYONE) || is_in(BOTH_ADMINS) || is_in(own);
    match who {
        Who::Root => true,
        Who::ReadOnlyRoot => reads,
        Who::DomainAdmin => admins(DOMAIN_ADMINS),
        Who::ResourceAdmin => admins(RESOURCE_ADMINS),
        Who::User | Who::ProjectMember => is_in(EVERYONE),
        Who::ReadOnlyUser => reads && is_in(EVERYONE),
    }
}

/// Parameters whose names end like those of ids and that hold none of ours, with the reason.
pub const NO_IDS: &[(&str, &str)] = &[
    ("usageid", "a word of a filter: what is not the caller's is not in the list that it filters"),
    ("resourceid", "the same"),
    (
        "entityid",
        "of a noun that entitytype names, looked up under it; of a list, a word of a filter",
    ),
    ("listAnnotations id", "a word of a filter"),
    ("listAnnotations userid", "the same"),
    ("removeAnnotation id", "looked up among what the caller reads"),
    ("updateAnnotationVisibility id", "the same"),
    ("resourceids", "of a noun that resourcetype names, looked up under it: see `typed`"),
    (
        "listGpuDeviceHistory gpudeviceid",
        "the device may be gone, its history is not; for root administrators",
    ),
    (
        "updateGpuOffering domainid",
        "an id or `public`: the command looks it up under the caller's scope",
    ),
    ("updateGpuOffering zoneid", "the same"),
    ("projectroleid", "a role of the project that is named with it: found there, or not at all"),
    ("updateProjectRole id", "the same"),
    ("deleteProjectRole id", "the same"),
    ("projectrolepermissionid", "a rule of a role of that project"),
    ("deleteProjectRolePermission id", "the same"),
    ("deleteUserFromProject userid", "a member of that project"),
    ("listProjectAccounts userid", "the same"),
    ("updateProjectInvitation projectid", "found by the invitation to it, or not at all"),
    ("listProjectInvitations projectid", "the same, or seen as projects are"),
    (
        "listProjectInvitations id",
        "an invitation of the caller, or to a project that it may change",
    ),
    ("deleteProjectInvitation id", "the same"),
    ("updateProject userid", "a member of that project"),
    // of `not_here!`: described, and never looked up
    ("aclid", "not followed"),
    ("associatednetworkid", "not followed"),
    ("bgppeerids", "not followed"),
    ("customid", "not followed"),
    ("createDiskOffering domainid", "not followed"),
    ("createDiskOffering zoneid", "not followed"),
    ("diskofferingid", "not followed"),
    ("extensionid", "not followed"),
    ("externalid", "not followed"),
    ("updateHost oscategoryid", "not followed"),
    ("overridediskofferingid", "not followed"),
    ("securitygroupids", "not followed"),
    ("snapshotid", "not followed"),
    ("updateVirtualMachine ostypeid", "not followed"),
    ("userdataid", "not followed"),
    ("deployVirtualMachine volumeid", "not followed"),
    ("explainPlacement volumeid", "not followed"),
    ("destroyVirtualMachine volumeids", "not followed"),
    ("vpcid", "not followed"),
    ("deviceid", "the PCI device id of a card"),
    ("vendorid", "the PCI vendor id of a card"),
];
