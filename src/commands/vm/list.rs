//! `listVirtualMachines`: the instances that the caller may see.

use super::view::VmView;
use crate::{
    command::{TagFilter, prelude::*},
    domain::vm::VmState,
    store::{
        owner,
        vm::{self, Filter, Wanted},
    },
};
use std::sync::Arc;

/// `listVirtualMachines`.
#[derive(Debug)]
pub(super) struct ListVirtualMachines;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    #[param(admin)]
    host_id: Option<Id<id::Host>>,
    /// the ID of the pod
    #[param(admin)]
    pod_id: Option<Id<id::Pod>>,
    /// the ID of the storage pool
    #[param(admin)]
    storage_id: Option<Id<id::StoragePool>>,
    /// the ID of the cluster
    #[param(admin, since = "4.16.0")]
    cluster_id: Option<Id<id::Cluster>>,
    /// the ID of the instance
    id: Option<Id<id::Vm>>,
    /// the IDs of instances, joined by commas
    #[param(since = "4.4")]
    ids: Vec<Id<id::Vm>>,
    /// a part of the name
    name: Option<String>,
    /// the state, or Present for all that are not expunged
    state: Option<String>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the ID of a network the instance is in
    network_id: Option<Id<id::Network>>,
    /// the kind of host
    hypervisor: Option<String>,
    /// what to answer, joined by commas: all, min, nics, servoff, tmpl and others that are always there
    details: Vec<String>,
    /// the ID of the template
    template_id: Option<Id<id::Template>>,
    /// the name of an SSH key pair
    keypair: Option<String>,
    /// the ID of the service offering
    #[param(since = "4.4")]
    service_offering_id: Option<Id<id::ServiceOffering>>,
    /// whether its owner sees the instance
    #[param(admin, since = "4.4")]
    display_vm: Option<bool>,
    /// the ID of the user who created the instance
    user_id: Option<Id<id::User>>,
    /// whether to answer with the user data
    #[param(since = "4.18.0.0")]
    userdata: Option<bool>,
    /// the ID of an affinity group it is in
    affinity_group_id: Option<Id<id::AffinityGroup>>,
    /// true for instances with GPUs only, false for those without
    #[param(since = "4.21.0")]
    gpu_enabled: Option<bool>,
    /// whether to answer with the count alone
    retrieve_only_resource_count: Option<bool>,
    #[param(group)]
    tags: TagFilter,
    #[param(group)]
    listing: Listing,
}

impl Command for ListVirtualMachines {
    const SPEC: Spec = Spec {
        name: "listVirtualMachines",
        about: "Lists the instances that the caller may see",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<VmView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let parts = Parts::read(&request.details)?;
        let count_only = request.retrieve_only_resource_count.unwrap_or(false);
        let wanted = Wanted {
            nics: parts.nics,
            gpus: parts.offering,
            details: parts.all,
            user_data: request.userdata.unwrap_or(false),
            groups: parts.groups,
        };
        let (whose, window) = (request.listing.wanted(), request.listing.page.window());
        let filter = filter(request)?;
        let caller = Arc::clone(&cx.caller);
        let (count, rows) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &whose, !filter.ids.is_empty())?;
                if count_only {
                    return Ok((vm::how_many(conn, &owners, &filter, &window)?, Vec::new()));
                }
                vm::list(conn, &owners, &filter, &window, wanted)
            })
            .await?;
        let view = |listed| {
            let mut view = VmView::from(listed);
            view.shorten(&parts);
            view
        };
        Ok(List::page(count, rows.into_iter().map(view).collect()))
    }
}

fn filter(request: Request) -> Result<Filter> {
    Ok(Filter {
        ids: request.ids.into_iter().chain(request.id).collect(),
        name: request.name,
        states: states(request.state.as_deref())?,
        zone: request.zone_id,
        host: request.host_id,
        cluster: request.cluster_id,
        pod: request.pod_id,
        pool: request.storage_id,
        network: request.network_id,
        template: request.template_id,
        group: request.affinity_group_id,
        offering: request.service_offering_id,
        user: request.user_id,
        hypervisor: request.hypervisor,
        key_pair: request.keypair,
        gpu_enabled: request.gpu_enabled,
        displayed: request.display_vm,
        tags: request.tags.0,
    })
}

/// A state by its name in any case; `Present` is every state before expunge.
fn states(text: Option<&str>) -> Result<Vec<VmState>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    if text.eq_ignore_ascii_case("present") {
        let is_present = |state: &VmState| *state != VmState::Expunging;
        return Ok(VmState::ALL.iter().copied().filter(is_present).collect());
    }
    // states of other clouds that no instance of ours is ever in match nothing of ours
    let known = VmState::ALL.iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
    match known {
        Some(state) => Ok(vec![*state]),
        None => Err(Error::Invalid(format!("Invalid state {text} specified"))),
    }
}

/// Which parts of the answer are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    /// Everything.
    pub(super) all: bool,
    /// Network interfaces.
    pub(super) nics: bool,
    /// The template.
    pub(super) template: bool,
    /// The service offering, with GPUs.
    pub(super) offering: bool,
    /// The affinity groups.
    pub(super) groups: bool,
}

const WORDS: &[&str] = &[
    "all", "group", "nics", "stats", "secgrp", "tmpl", "servoff", "diskoff", "backoff", "iso",
    "volume", "min", "affgrp",
];

impl Parts {
    fn read(words: &[String]) -> Result<Self> {
        let has = |word: &str| words.iter().any(|given| given.eq_ignore_ascii_case(word));
        let unknown = |word: &&String| !WORDS.contains(&word.to_lowercase().as_str());
        if words.iter().any(|word| unknown(&word)) {
            return Err(Error::Invalid(format!(
                "The details parameter contains a non permitted value. The allowed values are [{}]",
                WORDS.join(", ")
            )));
        }
        let all = words.is_empty() || has("all");
        Ok(Self {
            all,
            nics: all || has("nics"),
            template: all || has("tmpl"),
            offering: all || has("servoff") || has("stats"),
            groups: all || has("affgrp"),
        })
    }
}
