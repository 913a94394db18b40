//! `listCapabilities`: what clients ask first.

use crate::{
    command::prelude::*,
    domain::{access::Access, setting::INVITE_REQUIRED},
    store::setting,
};

/// `listCapabilities`.
#[derive(Debug)]
pub(super) struct ListCapabilities;

/// It has none.
#[derive(Debug, Params)]
pub(super) struct Request {}

/// What the service can do.
#[derive(Debug, View)]
#[view(object = "capability")]
pub(super) struct CapabilityView {
    /// whether security groups are on
    security_groups_enabled: bool,
    /// whether roles have rules
    dynamic_roles_enabled: bool,
    /// the version of the dialect
    cloudstack_version: &'static str,
    /// the version of the service
    csgpu_version: &'static str,
    /// whether users may make templates public
    user_public_template_enabled: bool,
    /// whether there are elastic load balancers
    #[view(name = "supportELB")]
    support_elb: &'static str,
    /// whether projects need an invitation
    project_invite_required: bool,
    /// whether users may make projects
    allow_user_create_projects: bool,
    /// the least size of a custom disk in GiB
    custom_disk_offering_min_size: i64,
    /// the largest size of a custom disk in GiB
    custom_disk_offering_max_size: i64,
    /// whether image stores span a region
    region_secondary_enabled: bool,
    /// the seconds in which the calls of an account are counted, if they are
    api_limit_interval: Option<u32>,
    /// whether volumes have snapshots
    kvm_snapshot_enabled: bool,
    /// the most calls of an account in those seconds
    api_limit_max: Option<u32>,
    /// whether users see destroyed instances
    allow_user_view_destroyed_vm: bool,
    /// whether users expunge and recover instances
    allow_user_expunge_recover_vm: bool,
    /// whether users expunge and recover volumes
    allow_user_expunge_recover_volume: bool,
    /// whether users see all accounts of their domain
    allow_user_view_all_domain_accounts: bool,
    /// whether users may force a stop
    allow_user_force_stop_vm: bool,
    /// whether there is a Kubernetes service
    kubernetes_service_enabled: bool,
    /// whether its experimental features are on
    kubernetes_cluster_experimental_features_enabled: bool,
    /// the name of the custom hypervisor
    custom_hypervisor_display_name: &'static str,
    /// rows of a page in the user interface
    default_ui_page_size: i64,
    /// whether offerings can be changed on running instances
    dynamic_scaling_enabled: bool,
    /// whether raw configuration may be given at deploy
    additional_config_enabled: bool,
    /// whether instances have leases
    instance_lease_enabled: bool,
}

impl Command for ListCapabilities {
    const SPEC: Spec = Spec {
        name: "listCapabilities",
        about: "Lists what the service can do",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = One<CapabilityView>;

    async fn run(cx: &Cx, _: Request) -> Result<Self::Response> {
        let is_admin = cx.caller.is_admin();
        let changed = cx.db.read(setting::changed).await?;
        let rate = Access::new(&changed).rate;
        let invites = changed.get(INVITE_REQUIRED).is_some_and(|value| value == "true");
        Ok(One(CapabilityView {
            security_groups_enabled: false,
            dynamic_roles_enabled: true,
            cloudstack_version: crate::command::DIALECT_VERSION,
            csgpu_version: env!("CARGO_PKG_VERSION"),
            user_public_template_enabled: false,
            support_elb: "false",
            project_invite_required: invites,
            allow_user_create_projects: false,
            custom_disk_offering_min_size: 1,
            custom_disk_offering_max_size: 1024,
            region_secondary_enabled: false,
            kvm_snapshot_enabled: false,
            allow_user_view_destroyed_vm: is_admin,
            allow_user_expunge_recover_vm: is_admin,
            allow_user_expunge_recover_volume: is_admin,
            allow_user_view_all_domain_accounts: false,
            allow_user_force_stop_vm: true,
            api_limit_interval: rate.map(|rate| rate.seconds),
            api_limit_max: rate.map(|rate| rate.most),
            kubernetes_service_enabled: false,
            kubernetes_cluster_experimental_features_enabled: false,
            custom_hypervisor_display_name: "Custom",
            default_ui_page_size: 20,
            dynamic_scaling_enabled: false,
            additional_config_enabled: false,
            instance_lease_enabled: false,
        }))
    }
}
