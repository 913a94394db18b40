//! The rules that the default roles start with: what read-only and support roles may call.
//!
//! The roles of administrators and users need none: without a rule that fits, a role may call what commands offer to
//! its kind.
//!
//! A cloud is seeded once: a word that comes later needs a migration too, as `later_rules` is one, which gives it to clouds that
//! are there without undoing what their operators changed.

use super::{
    Tx,
    schema::{role, role_rule},
    seed::{fixed, role_id},
};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, insert_into, update};

/// What every user may read, by the names of CloudStack 4.22 and of csgpu.
const USER_READS: &str = "\
    getApiLimit getCloudIdentifier getKubernetesClusterConfig getSolidFireAccountId getSolidFireVolumeSize \
    getUserKeys getVMPassword getVirtualMachineUserData listASNumbers listAccounts listAffinityGroupTypes \
    listAffinityGroups listApis listAsyncJobs listAutoScalePolicies listAutoScaleVmGroups \
    listAutoScaleVmProfiles listBackupOfferings listBackupSchedule listBackups listBuckets listCaCertificate \
    listCapabilities listCniConfiguration listConditions listConsoleSessions listCounters listCustomActions \
    listDetailOptions listDiskOfferings listEgressFirewallRules listEventTypes listEvents listFirewallRules \
    listGlobalLoadBalancerRules listGpuDevices listGuiThemes listHypervisors listInstanceGroups \
    listIpForwardingRules listIpv6FirewallRules listIsoPermissions listIsos listKubernetesClusters \
    listKubernetesSupportedVersions listLBHealthCheckPolicies listLBStickinessPolicies \
    listLdapConfigurations listLoadBalancerRuleInstances listLoadBalancerRules listLoadBalancers \
    listNetworkACLLists listNetworkACLs listNetworkOfferings listNetworkPermissions listNetworkProtocols \
    listNetworks listNics listOauthProvider listObjectStoragePools listOsCategories listOsTypes \
    listPortForwardingRules listPrivateGateways listProjectAccounts listProjectInvitations \
    listProjectRolePermissions listProjectRoles listProjects listPublicIpAddresses listRegions \
    listRemoteAccessVpns listResourceDetails listResourceIcon listResourceLimits listRoutingFirewallRules \
    listSSHKeyPairs listSecurityGroups listServiceOfferings listSharedFileSystemProviders \
    listSharedFileSystems listSnapshotPolicies listSnapshots listSslCerts listStaticRoutes listTags \
    listTemplatePermissions listTemplates listUserData listUserTwoFactorAuthenticatorProviders listUsers \
    listVMSchedule listVMSnapshot listVPCOfferings listVPCs listVirtualMachines listVirtualMachinesMetrics \
    listVirtualMachinesUsageHistory listVnfAppliances listVnfTemplates listVolumes listVolumesMetrics \
    listVolumesUsageHistory listVpnConnections listVpnCustomerGateways listVpnGateways listVpnUsers \
    listWebhookDeliveries listWebhooks listZones \
    listGpuOfferings listPlacementDecisions listUsageRecords listUsageTypes";

/// What read-only and support roles may do beside reading.
const HARMLESS: &str =
    "cloudianIsEnabled queryAsyncJobResult quotaIsEnabled quotaTariffList quotaSummary";

const QUOTA: &str = "quotaBalance quotaStatement quotaCreditsList";

const SECOND_FACTOR: &str = "setupUserTwoFactorAuthentication validateUserTwoFactorAuthenticationCode \
    listUserTwoFactorAuthenticatorProviders";

const SUPPORT: &str = "startVirtualMachine stopVirtualMachine rebootVirtualMachine startKubernetesCluster \
    stopKubernetesCluster createVolume attachVolume detachVolume uploadVolume attachIso detachIso registerTemplate \
    registerIso";

const SUPPORT_ADMIN: &str = "prepareHostForMaintenance cancelHostMaintenance enableStorageMaintenance \
    cancelStorageMaintenance createServiceOffering createDiskOffering createNetworkOffering createVPCOffering";

/// Seeds the rules; not to be repeated.
pub(super) fn seed(tx: &mut Tx<'_>) -> Result<()> {
    rules(tx, 0, &["*"], "")?;
    rules(tx, 4, &["list*", "!getUploadParamsFor*", "get*", HARMLESS, QUOTA, SECOND_FACTOR], "!*")?;
    rules(tx, 5, &[USER_READS, HARMLESS, QUOTA, SECOND_FACTOR], "!*")?;
    rules(tx, 6, &["list*", "get*", HARMLESS, SUPPORT_ADMIN, SUPPORT, SECOND_FACTOR], "!*")?;
    let support = &[USER_READS, HARMLESS, SUPPORT, "getUploadParamsFor*", SECOND_FACTOR];
    rules(tx, 7, support, "!*")
}

/// Rules in order, separated by blanks; an exclamation mark denies.
fn rules(tx: &mut Tx<'_>, number: u128, texts: &[&str], last: &str) -> Result<()> {
    let owner = role_id(number);
    let words = texts.iter().copied().chain([last]).flat_map(str::split_whitespace);
    let rows: Vec<_> = (0_i32..)
        .zip(words)
        .map(|(place, word)| {
            let id: Id<id::RolePermission> =
                Id::from_uuid(fixed(0x1_0000 + number * 0x1000 + place.unsigned_abs() as u128));
            (
                role_rule::id.eq(id),
                role_rule::role_id.eq(owner),
                role_rule::rule.eq(word.trim_start_matches('!')),
                role_rule::is_allowed.eq(!word.starts_with('!')),
                role_rule::sort_order.eq(place),
            )
        })
        .collect();
    insert_into(role_rule::table).values(rows).execute(&mut **tx)?;
    let row = update(role::table.filter(role::id.eq(owner)));
    row.set(role::revision.eq(1_i64)).execute(&mut **tx)?;
    Ok(())
}
