//! `updateCluster`: name and switch of a cluster.

use super::view::ClusterView;
use crate::{
    command::{prelude::*, unmet::not_here},
    commands::annotation::view::annotated_one,
    domain::infra::switch,
    store::{Window, cluster},
};

/// `updateCluster`.
#[derive(Debug)]
pub(super) struct UpdateCluster;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    id: Id<id::Cluster>,
    /// the name of the cluster
    cluster_name: Option<String>,
    /// what the hosts run; it cannot be changed
    hypervisor: Option<String>,
    /// whether instances may be placed in the cluster
    allocation_state: Option<String>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What clusters have elsewhere.
    NotHere {
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        refused "managedstate" string "whether the service looks after it: use allocationstate";
        unused "clustertype" string "the kind of cluster";
        unused "arch" string "the architecture, which its hosts say";
    }
}

impl Command for UpdateCluster {
    const SPEC: Spec = Spec {
        name: "updateCluster",
        about: "Changes a cluster",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("CLUSTER.EDIT"),
    };
    type Request = Request;
    type Response = One<ClusterView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, cluster_name, hypervisor, allocation_state, _not_here: _ } = request;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let state = some(allocation_state).map(|text| switch(&text)).transpose();
        let changes = cluster::Changes {
            name: some(cluster_name),
            allocation_state: state.map_err(Error::Invalid)?,
        };
        let kind = some(hypervisor);
        let view = cx
            .write(move |tx, _| {
                let before = cluster::hold(tx, id)?;
                let other = |kind: &String| !kind.eq_ignore_ascii_case(before.hypervisor.as_str());
                if let Some(kind) = kind.as_ref().filter(|kind| other(kind)) {
                    let text = format!(
                        "cluster {} runs {}: it cannot become {kind}",
                        before.name, before.hypervisor
                    );
                    return Err(Error::Invalid(text));
                }
                cluster::change(tx, id, &changes)?;
                let filter = cluster::Filter { id: Some(id), ..cluster::Filter::default() };
                let (_, mut found) = cluster::list(tx, &filter, &Window::ALL)?;
                let found = found.pop().ok_or_else(|| Error::internal("the cluster went away"))?;
                let view = annotated_one(tx, ClusterView::from(found))?;
                Ok((Some((Kind::Cluster, id.uuid())), view))
            })
            .await?;
        Ok(One(view))
    }
}
