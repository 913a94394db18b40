//! `createPod`: a new piece of a zone, with its management network.

use super::view::PodView;
use crate::{
    command::prelude::*,
    domain::{
        infra::{Switch, switch},
        net::Cidr,
    },
    store::{pod, zone},
};
use std::net::Ipv4Addr;

/// `createPod`.
#[derive(Debug)]
pub(super) struct CreatePod;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the pod
    name: String,
    /// the ID of the zone
    zone_id: Id<id::Zone>,
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

impl Command for CreatePod {
    const SPEC: Spec = Spec {
        name: "createPod",
        about: "Creates a pod in a zone",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("POD.CREATE"),
    };
    type Request = Request;
    type Response = One<PodView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let zone_id = request.zone_id;
        let new = check(request)?;
        let view = cx
            .write(move |tx, _| {
                let zone = zone::hold(tx, zone_id)?;
                pod::insert(tx, &new)?;
                let view = PodView::new(new.clone(), zone.name);
                Ok((Some((Kind::Pod, new.id.uuid())), view))
            })
            .await?;
        Ok(One(view))
    }
}

fn check(request: Request) -> Result<pod::Pod> {
    let Request { name, zone_id, start_ip, end_ip, netmask, gateway, allocation_state } = request;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (start_ip, end_ip) = (some(start_ip), some(end_ip));
    let (netmask, gateway) = (some(netmask), some(gateway));
    network(start_ip.as_deref(), end_ip.as_deref(), netmask.as_deref(), gateway.as_deref())?;
    Ok(pod::Pod {
        id: Id::mint(),
        zone_id,
        name,
        gateway: gateway.unwrap_or_default(),
        netmask: netmask.unwrap_or_default(),
        start_ip: start_ip.unwrap_or_default(),
        end_ip,
        allocation_state: allocation_state
            .map_or(Ok(Switch::Enabled), |text| switch(&text))
            .map_err(Error::Invalid)?,
    })
}

/// The management network must hold together as far as it is given.
pub(super) fn network(
    start: Option<&str>,
    end: Option<&str>,
    netmask: Option<&str>,
    gateway: Option<&str>,
) -> Result<()> {
    let read = |what: &str, text: Option<&str>| -> Result<Option<Ipv4Addr>> {
        let bad = |text| Error::Invalid(format!("{what}: {text} is no IPv4 address"));
        text.map(|text| text.parse().map_err(|_| bad(text))).transpose()
    };
    let (start, end) = (read("startip", start)?, read("endip", end)?);
    let (netmask, gateway) = (read("netmask", netmask)?, read("gateway", gateway)?);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        return Err(Error::invalid(
            "The start IP address must have a lower value than the end IP address",
        ));
    }
    let (Some(netmask), Some(gateway)) = (netmask, gateway) else { return Ok(()) };
    let net = Cidr::with_netmask(gateway, netmask)
        .ok_or_else(|| Error::Invalid(format!("netmask: {netmask} is no netmask")))?;
    for (what, address) in [("startip", start), ("endip", end)] {
        if let Some(address) = address.filter(|address| !net.has_host(*address)) {
            return Err(Error::Invalid(format!("{what}: {address} is not in the network {net}")));
        }
    }
    Ok(())
}
