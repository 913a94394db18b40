//! `listHosts`: the hosts, whether they answer, how full they are, their GPUs.

use super::view::{HostView, views};
use crate::{command::prelude::*, store::host};

/// `listHosts`.
#[derive(Debug)]
pub(super) struct ListHosts;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the cluster
    cluster_id: Option<Id<id::Cluster>>,
    /// the ID of the host
    id: Option<Id<id::Host>>,
    /// the name of the host
    name: Option<String>,
    /// the ID of the pod
    pod_id: Option<Id<id::Pod>>,
    /// the state of the host
    state: Option<String>,
    /// the kind of host; there are only those of kind Routing
    r#type: Option<String>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the administrator's switch
    resource_state: Option<String>,
    /// which details to show; all are shown
    details: Vec<String>,
    /// what the host runs
    hypervisor: Option<String>,
    /// the CPU architecture
    arch: Option<String>,
    /// only hosts whose GPUs get no new instance, or only others
    #[param(since = "4.22.0")]
    draining: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListHosts {
    const SPEC: Spec = Spec {
        name: "listHosts",
        about: "Lists the hosts",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: None,
    };
    type Request = Request;
    type Response = List<HostView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { cluster_id, id, name, pod_id, state, zone_id, resource_state, .. } = request;
        let _ = request.details;
        if request.r#type.is_some_and(|kind| !kind.eq_ignore_ascii_case("Routing")) {
            return Ok(List::whole(Vec::new()));
        }
        let filter = host::Filter {
            id,
            zone: zone_id,
            pod: pod_id,
            cluster: cluster_id,
            name,
            state,
            resource_state,
            hypervisor: request.hypervisor,
            arch: request.arch,
            draining: request.draining,
        };
        let (page, server) = (request.page, cx.server);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = host::list(conn, &filter, &page.window())?;
                Ok((count, views(conn, rows, server)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
