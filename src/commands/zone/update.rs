//! `updateZone`: names, servers and the switch of a zone.

use super::view::ZoneView;
use crate::{
    command::{prelude::*, unmet::not_here},
    commands::annotation::view::annotated_one,
    domain::{
        infra::switch,
        net::{guest_cidr, server},
    },
    store::{gpu_count, zone},
};

/// `updateZone`.
#[derive(Debug)]
pub(super) struct UpdateZone;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    id: Id<id::Zone>,
    /// the first DNS server of instances
    dns1: Option<String>,
    /// the second DNS server of instances
    dns2: Option<String>,
    /// the network that isolated networks are cut from
    guest_cidr_address: Option<String>,
    /// the first DNS server of the service's own
    internal_dns1: Option<String>,
    /// the second DNS server of the service's own
    internal_dns2: Option<String>,
    /// the name of the zone
    name: Option<String>,
    /// the domain of host names
    domain: Option<String>,
    /// whether instances may be placed in the zone
    allocation_state: Option<String>,
    /// whether disks may lie on the hosts themselves
    local_storage_enabled: Option<bool>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What zones have elsewhere.
    NotHere {
        refused "ip6dns1" string "an IPv6 name server, but networks have no IPv6";
        refused "ip6dns2" string "an IPv6 name server, but networks have no IPv6";
        refused "details" map "details by name: addResourceDetail keeps them";
        unused "dhcpprovider" string "who gives addresses";
        unused "dnssearchorder" list "the DNS domains that are searched";
        unused "ispublic" boolean "whether everybody sees it; all do";
        unused "sortkey" integer "its place in lists";
    }
}

impl Command for UpdateZone {
    const SPEC: Spec = Spec {
        name: "updateZone",
        about: "Changes a zone",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("ZONE.EDIT"),
    };
    type Request = Request;
    type Response = One<ZoneView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        let changes = check(request)?;
        let view = cx
            .write(move |tx, _| {
                zone::change(tx, id, &changes)?;
                let zone = zone::get(tx, id)?;
                let gpus = gpu_count::by_part(tx, &[id])?;
                let view = ZoneView::new(zone, gpus.get(&id).copied().unwrap_or_default());
                Ok((Some((Kind::Zone, id.uuid())), annotated_one(tx, view)?))
            })
            .await?;
        Ok(One(view))
    }
}

fn check(request: Request) -> Result<zone::Changes> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let changes = zone::Changes {
        name: some(request.name),
        dns1: some(request.dns1),
        dns2: some(request.dns2),
        internal_dns1: some(request.internal_dns1),
        internal_dns2: some(request.internal_dns2),
        guest_cidr: some(request.guest_cidr_address)
            .map(|text| guest_cidr(&text))
            .transpose()
            .map_err(Error::Invalid)?,
        network_domain: some(request.domain),
        allocation_state: some(request.allocation_state)
            .map(|text| switch(&text))
            .transpose()
            .map_err(Error::Invalid)?,
        local_storage: request.local_storage_enabled,
    };
    let servers = [
        ("dns1", &changes.dns1),
        ("dns2", &changes.dns2),
        ("internaldns1", &changes.internal_dns1),
        ("internaldns2", &changes.internal_dns2),
    ];
    for (what, text) in servers {
        let text = text.as_ref();
        text.map_or(Ok(()), |text| server(what, text)).map_err(Error::Invalid)?;
    }
    Ok(changes)
}
