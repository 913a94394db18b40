//! `addCluster`: a new cluster for hosts of one kind. It answers in the shape of a list.

use super::view::ClusterView;
use crate::{
    command::{prelude::*, unmet::not_here},
    domain::infra::{Hypervisor, Switch, by_word, switch},
    store::{cluster, pod, zone},
};

/// `addCluster`.
#[derive(Debug)]
pub(super) struct AddCluster;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the cluster
    cluster_name: String,
    /// the ID of the pod
    pod_id: Id<id::Pod>,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
    /// what the hosts run: KVM or Simulator
    hypervisor: String,
    /// the CPU architecture of the hosts; only x86_64 is supported
    arch: Option<String>,
    /// who manages the cluster: CloudManaged
    cluster_type: String,
    /// whether instances may be placed in the cluster
    allocation_state: Option<String>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What clusters have elsewhere.
    NotHere {
        refused "extensionid" uuid "an external orchestrator, of which there is none";
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        refused "storageaccessgroups" list "storage access groups, of which there are none";
    }
}

impl Command for AddCluster {
    const SPEC: Spec = Spec {
        name: "addCluster",
        about: "Adds a cluster to a pod",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("CLUSTER.CREATE"),
    };
    type Request = Request;
    type Response = List<ClusterView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let new = check(request)?;
        let view = cx
            .write(move |tx, _| {
                let zone = zone::hold(tx, new.zone_id)?;
                let pod = pod::hold(tx, new.pod_id)?;
                if pod.zone_id != zone.id {
                    return Err(Error::Invalid(format!(
                        "Pod with id {} doesn't belong to the zone {}",
                        pod.id, zone.id
                    )));
                }
                cluster::insert(tx, &new)?;
                let view = ClusterView::from((new.clone(), pod.name, zone.name));
                Ok((Some((Kind::Cluster, new.id.uuid())), view))
            })
            .await?;
        Ok(List::whole(vec![view]))
    }
}

fn check(request: Request) -> Result<cluster::Cluster> {
    let Request { cluster_name, pod_id, zone_id, hypervisor, .. } = request;
    let hypervisor = by_word(Hypervisor::ALL, &hypervisor).ok_or_else(|| {
        Error::Invalid(format!(
            "Unable to resolve {hypervisor} to a supported hypervisor: KVM or Simulator"
        ))
    })?;
    if !request.cluster_type.eq_ignore_ascii_case("CloudManaged") {
        let text =
            format!("clustertype {} is not supported: CloudManaged is", request.cluster_type);
        return Err(Error::Invalid(text));
    }
    match request.arch.as_deref() {
        None | Some("" | "x86_64" | "amd64") => {}
        Some(arch) => {
            return Err(Error::Invalid(format!("arch {arch} is not supported: x86_64 is")));
        }
    }
    let state = request.allocation_state.filter(|text| !text.is_empty());
    let state = state.map_or(Ok(Switch::Enabled), |text| switch(&text)).map_err(Error::Invalid)?;
    Ok(cluster::Cluster {
        id: Id::mint(),
        zone_id,
        pod_id,
        name: cluster_name,
        hypervisor,
        allocation_state: state,
    })
}
