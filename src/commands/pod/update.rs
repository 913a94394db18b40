//! `updatePod`: name, management network and switch of a pod.

use super::{create::network, view::PodView};
use crate::{
    command::prelude::*,
    commands::annotation::view::annotated_one,
    domain::infra::switch,
    store::{Window, pod},
};

/// `updatePod`.
#[derive(Debug)]
pub(super) struct UpdatePod;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the pod
    id: Id<id::Pod>,
    /// the name of the pod
    name: Option<String>,
    /// the first address for the service's own use
    start_ip: Option<String>,
    /// the last address for the service's own use
    end_ip: Option<String>,
    /// the netmask of the management network
    netmask: Option<String>,
    /// the gateway of the management network
    gateway: Option<String>,
    /// whether instances may be placed in the pod
    allocation_state: Option<String>,
}

impl Command for UpdatePod {
    const SPEC: Spec = Spec {
        name: "updatePod",
        about: "Changes a pod",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("POD.EDIT"),
    };
    type Request = Request;
    type Response = One<PodView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, start_ip, end_ip, netmask, gateway, allocation_state } = request;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let changes = pod::Changes {
            name: some(name),
            gateway: some(gateway),
            netmask: some(netmask),
            start_ip: some(start_ip),
            end_ip: some(end_ip),
            allocation_state: some(allocation_state)
                .map(|text| switch(&text))
                .transpose()
                .map_err(Error::Invalid)?,
        };
        let view = cx
            .write(move |tx, _| {
                pod::hold(tx, id)?;
                pod::change(tx, id, &changes)?;
                let filter = pod::Filter { id: Some(id), ..pod::Filter::default() };
                let (_, mut found) = pod::list(tx, &filter, &Window::ALL)?;
                let (pod, zone) =
                    found.pop().ok_or_else(|| Error::internal("the pod went away"))?;
                network(
                    Some(pod.start_ip.as_str()).filter(|text| !text.is_empty()),
                    pod.end_ip.as_deref(),
                    Some(pod.netmask.as_str()).filter(|text| !text.is_empty()),
                    Some(pod.gateway.as_str()).filter(|text| !text.is_empty()),
                )?;
                let view = annotated_one(tx, PodView::new(pod, zone))?;
                Ok((Some((Kind::Pod, id.uuid())), view))
            })
            .await?;
        Ok(One(view))
    }
}
