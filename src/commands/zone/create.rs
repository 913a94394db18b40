//! `createZone`: a new piece of the cloud, with its DNS servers and the network its guests are cut from.

use super::view::ZoneView;
use crate::{
    command::prelude::*,
    domain::{
        infra::{NetworkType, Switch, by_word, switch},
        net::{guest_cidr, server},
    },
    store::{gpu_count::Count, zone},
};

/// `createZone`.
#[derive(Debug)]
pub(super) struct CreateZone;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the first DNS server of instances
    dns1: String,
    /// the second DNS server of instances
    dns2: Option<String>,
    /// the network that isolated networks are cut from, 10.1.1.0/24 when nothing is said
    guest_cidr_address: Option<String>,
    /// the first DNS server of the service's own
    internal_dns1: String,
    /// the second DNS server of the service's own
    internal_dns2: Option<String>,
    /// the name of the zone
    name: String,
    /// the domain of host names
    domain: Option<String>,
    /// the network type: Basic or Advanced
    network_type: String,
    /// whether instances may be placed in the zone
    allocation_state: Option<String>,
    /// true to use security groups, which csgpu has not
    security_group_enabled: Option<bool>,
    /// whether disks may lie on the hosts themselves
    local_storage_enabled: Option<bool>,
}

impl Command for CreateZone {
    const SPEC: Spec = Spec {
        name: "createZone",
        about: "Creates a zone",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("ZONE.CREATE"),
    };
    type Request = Request;
    type Response = One<ZoneView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let new = check(request)?;
        let made = new.clone();
        cx.write(move |tx, _| {
            zone::insert(tx, &new)?;
            Ok((Some((Kind::Zone, new.id.uuid())), ()))
        })
        .await?;
        Ok(One(ZoneView::new(made, Count::default())))
    }
}

fn check(request: Request) -> Result<zone::Zone> {
    let Request { dns1, dns2, guest_cidr_address, internal_dns1, internal_dns2, name, .. } =
        request;
    let network_type = by_word(NetworkType::ALL, &request.network_type).ok_or_else(|| {
        Error::Invalid(format!(
            "networktype {} is neither Basic nor Advanced",
            request.network_type
        ))
    })?;
    if request.security_group_enabled == Some(true) {
        return Err(Error::invalid("csgpu has no security groups: leave securitygroupenabled out"));
    }
    let servers = [
        ("dns1", Some(&dns1)),
        ("dns2", dns2.as_ref()),
        ("internaldns1", Some(&internal_dns1)),
        ("internaldns2", internal_dns2.as_ref()),
    ];
    for (what, text) in servers {
        let text = text.filter(|text| !text.is_empty());
        text.map_or(Ok(()), |text| server(what, text)).map_err(Error::Invalid)?;
    }
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let guest_cidr = match (some(guest_cidr_address), network_type) {
        (Some(text), _) => Some(guest_cidr(&text).map_err(Error::Invalid)?),
        (None, NetworkType::Advanced) => Some("10.1.1.0/24".to_owned()),
        (None, NetworkType::Basic) => None,
    };
    Ok(zone::Zone {
        id: Id::mint(),
        name,
        dns1,
        dns2: some(dns2),
        internal_dns1,
        internal_dns2: some(internal_dns2),
        guest_cidr,
        network_domain: some(request.domain),
        network_type,
        allocation_state: request
            .allocation_state
            .map_or(Ok(Switch::Enabled), |text| switch(&text))
            .map_err(Error::Invalid)?,
        local_storage: request.local_storage_enabled.unwrap_or(false),
    })
}
