//! `listHypervisors`: what hosts can run; in a zone, what its clusters run.

use crate::{
    command::prelude::*,
    domain::infra::Hypervisor,
    store::{Window, cluster},
};

/// `listHypervisors`.
#[derive(Debug)]
pub(super) struct ListHypervisors;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
}

/// A hypervisor.
#[derive(Debug, View)]
#[view(object = "hypervisor")]
pub(super) struct HypervisorView {
    /// the name of the hypervisor
    name: &'static str,
}

impl Command for ListHypervisors {
    const SPEC: Spec = Spec {
        name: "listHypervisors",
        about: "Lists the hypervisors",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<HypervisorView>;

    async fn run(cx: &Cx, Request { zone_id }: Request) -> Result<Self::Response> {
        let kinds: Vec<Hypervisor> = match zone_id {
            None => Hypervisor::ALL.to_vec(),
            Some(zone) => {
                let filter = cluster::Filter { zone: Some(zone), ..cluster::Filter::default() };
                let read = move |conn: &mut Conn| cluster::list(conn, &filter, &Window::ALL);
                let (_, clusters) = cx.db.read(read).await?;
                let used =
                    |kind: &&Hypervisor| clusters.iter().any(|(c, ..)| c.hypervisor == **kind);
                Hypervisor::ALL.iter().filter(used).copied().collect()
            }
        };
        let view = |kind: Hypervisor| HypervisorView { name: Hypervisor::as_str(kind) };
        Ok(List::whole(kinds.into_iter().map(view).collect()))
    }
}
