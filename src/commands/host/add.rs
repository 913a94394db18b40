//! `addHost`: takes a machine into a cluster, after it has answered. It says within ten seconds what is wrong with a
//! machine that cannot be taken: unreachable, other host key, no libvirt, no IOMMU, or a host already under whatever name.
//!
//! A machine without an IOMMU can run instances but can never give a GPU to one, and in a cloud that exists for GPUs
//! that is a mistake far more often than a wish: it is refused with the remedy, unless `allownoiommu` says otherwise.

use super::{
    target::{Named, target},
    view::{HostView, one},
};
use crate::{
    command::{
        host_link::{Greeted, greet},
        inventory,
        prelude::*,
        unmet::not_here,
    },
    domain::infra::{HostState, Hypervisor, ResourceState, Switch, by_word, switch},
    store::{cluster, host, pod, zone},
};
use std::time::Duration;

/// How long the first look at the devices may hold up the answer; the keeper goes on with it.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// `addHost`.
#[derive(Debug)]
pub(super) struct AddHost;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    cluster_id: Option<Id<id::Cluster>>,
    /// the name of the cluster, which is made when the pod has none of this name
    cluster_name: Option<String>,
    /// the user to log in as
    username: Option<String>,
    /// the password of that user; it is used once, to install the service's key, and never kept
    #[param(max = 1024)]
    password: Option<String>,
    /// the ID of the pod
    pod_id: Id<id::Pod>,
    /// where the host is: qemu+ssh://user@host/system, or http://host with username and password
    #[param(max = 512)]
    url: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// what the host runs: KVM or Simulator
    hypervisor: String,
    /// whether instances may be placed on the host
    allocation_state: Option<String>,
    /// the tags of the host
    host_tags: Vec<String>,
    /// true to take a host that cannot give GPUs to instances because its IOMMU is off
    #[param(name = "allownoiommu")]
    allow_no_iommu: Option<bool>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What hosts have elsewhere.
    NotHere {
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        refused "storageaccessgroups" list "storage access groups, of which there are none";
    }
}

impl Command for AddHost {
    const SPEC: Spec = Spec {
        name: "addHost",
        about: "Adds a host to a cluster",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: Some("HOST.ADD"),
    };
    type Request = Request;
    type Response = List<HostView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let plan = read(request)?;
        let plan = cx.db.read(move |conn| place(conn, &plan)).await?;
        let id = Id::mint();
        let named = Named {
            url: &plan.url,
            username: plan.username.as_deref(),
            password: plan.password.as_deref(),
            hypervisor: plan.hypervisor,
        };
        let (enrolment, ip_address) = target(&named, cx.settings.test_hosts.as_deref())?;
        let uri = enrolment.uri.clone();
        cx.db.read(move |conn| refuse_known(host::by_uri(conn, &uri)?, &uri)).await?;
        let greeted = greet(&cx.hosts, &enrolment, id).await?;
        let driver = std::sync::Arc::clone(&greeted.driver);
        if let Err(error) = keep(cx, &plan, id, ip_address, greeted).await {
            driver.close();
            return Err(error);
        }
        cx.hosts.keep(id, driver);
        let look = inventory::refresh(cx.wiring(), id);
        if let Ok(Err(error)) = tokio::time::timeout(FIRST_LOOK, look).await {
            tracing::warn!(host = %id, %error, "the first look at a host's devices failed");
        }
        cx.nudge.reconcile();
        let server = cx.server;
        let view = cx.db.read(move |conn| one(conn, id, server)).await?;
        Ok(List::whole(vec![view]))
    }
}

/// A request that was checked as far as it can be alone.
#[derive(Debug, Clone)]
struct Plan {
    zone: Id<id::Zone>,
    pod: Id<id::Pod>,
    cluster: Option<Id<id::Cluster>>,
    cluster_name: Option<String>,
    hypervisor: Hypervisor,
    url: String,
    username: Option<String>,
    password: Option<String>,
    state: Switch,
    tags: Option<String>,
    allow_no_iommu: bool,
}

fn read(request: Request) -> Result<Plan> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let Request { cluster_id, cluster_name, username, password, pod_id, url, zone_id, .. } =
        request;
    let hypervisor = by_word(Hypervisor::ALL, &request.hypervisor).ok_or_else(|| {
        Error::Invalid(format!(
            "hypervisor {} is not supported: KVM or Simulator",
            request.hypervisor
        ))
    })?;
    let state = some(request.allocation_state).map_or(Ok(Switch::Enabled), |text| switch(&text));
    let cluster_name = some(cluster_name);
    match (cluster_id, &cluster_name) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid("Can't specify cluster by both id and name"));
        }
        (None, None) => {
            return Err(Error::invalid("a host needs a cluster: give clusterid or clustername"));
        }
        _ => {}
    }
    let tags = request.host_tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty());
    let tags = tags.collect::<Vec<_>>().join(",");
    if tags.len() > 255 {
        return Err(Error::invalid("hosttags are longer than 255 characters together"));
    }
    Ok(Plan {
        zone: zone_id,
        pod: pod_id,
        cluster: cluster_id,
        cluster_name,
        hypervisor,
        url,
        username,
        password,
        state: state.map_err(Error::Invalid)?,
        tags: Some(tags).filter(|tags| !tags.is_empty()),
        allow_no_iommu: request.allow_no_iommu == Some(true),
    })
}

/// Zone, pod, cluster and hypervisor must belong together.
fn place(conn: &mut Conn, plan: &Plan) -> Result<Plan> {
    let filter = pod::Filter { id: Some(plan.pod), ..pod::Filter::default() };
    let (_, pods) = pod::list(conn, &filter, &crate::store::Window::ALL)?;
    if !pods.iter().any(|(pod, _)| pod.zone_id == plan.zone) {
        let text = format!("Pod with id {} doesn't belong to the zone {}", plan.pod, plan.zone);
        return Err(Error::Invalid(text));
    }
    let found = match (plan.cluster, &plan.cluster_name) {
        (Some(id), _) => Some(cluster::get(conn, id)?),
        (None, Some(name)) => cluster::by_name(conn, plan.pod, name)?,
        (None, None) => None,
    };
    let mut plan = plan.clone();
    if let Some(found) = found {
        if found.pod_id != plan.pod {
            let text =
                format!("Cluster with id {} doesn't belong to the pod {}", found.id, plan.pod);
            return Err(Error::Invalid(text));
        }
        if found.hypervisor != plan.hypervisor {
            return Err(Error::Invalid(format!(
                "the hosts of cluster {} run {}, not {}",
                found.name, found.hypervisor, plan.hypervisor
            )));
        }
        plan.cluster = Some(found.id);
    }
    Ok(plan)
}

fn refuse_known(known: Option<host::Host>, url: &str) -> Result<()> {
    known.map_or(Ok(()), |known| {
        Err(Error::Conflict(format!(
            "{url} is already added: it is host {} ({}, {})",
            known.name, known.id, known.uri
        )))
    })
}

/// Writes the host down, unless its machine is one already.
async fn keep(
    cx: &Cx,
    plan: &Plan,
    id: Id<id::Host>,
    ip_address: String,
    greeted: Greeted,
) -> Result<()> {
    let Greeted { enrolled, facts, .. } = greeted;
    let is_simulated = facts.domain_type == "test";
    let (name, identity, uri) =
        (facts.hostname.clone(), facts.identity.clone(), enrolled.uri.clone());
    let looks_fine = facts.iommu || is_simulated || plan.allow_no_iommu;
    let (mut plan, size) = (plan.clone(), host::Size::from(&facts));
    plan.password = None;
    cx.write(move |tx, _| {
        zone::hold(tx, plan.zone)?;
        pod::hold(tx, plan.pod)?;
        refuse_known(host::by_identity(tx, &identity)?, &uri)?;
        if !looks_fine {
            return Err(Error::Unavailable(format!(
                "{uri} has no IOMMU: no GPU of it could be given to an instance. Turn VT-d or AMD-Vi on in its firmware and intel_iommu=on (Intel) on its kernel command line, or add it with allownoiommu=true for instances without GPUs"
            )));
        }
        let cluster_id = cluster_of(tx, &plan)?;
        let new = host::New {
            id,
            zone_id: plan.zone,
            pod_id: plan.pod,
            cluster_id,
            name: name.clone(),
            hypervisor: plan.hypervisor,
            uri: uri.clone(),
            identity: identity.clone(),
            host_key: enrolled.host_key.clone(),
            ip_address: ip_address.clone(),
            state: HostState::Up,
            resource_state: match plan.state {
                Switch::Enabled => ResourceState::Enabled,
                Switch::Disabled => ResourceState::Disabled,
            },
            tags: plan.tags.clone(),
            size: size.clone(),
        };
        host::insert(tx, &new)?;
        Ok((Some((Kind::Host, id.uuid())), ()))
    })
    .await
}

/// The cluster, which is made when it was named and is not there yet.
fn cluster_of(tx: &mut Tx<'_>, plan: &Plan) -> Result<Id<id::Cluster>> {
    if let Some(id) = plan.cluster {
        return Ok(cluster::hold(tx, id)?.id);
    }
    let name = plan.cluster_name.clone().unwrap_or_default();
    if let Some(found) = cluster::by_name(tx, plan.pod, &name)? {
        return Ok(found.id);
    }
    let new = cluster::Cluster {
        id: Id::mint(),
        zone_id: plan.zone,
        pod_id: plan.pod,
        name,
        hypervisor: plan.hypervisor,
        allocation_state: Switch::Enabled,
    };
    cluster::insert(tx, &new)?;
    Ok(new.id)
}
