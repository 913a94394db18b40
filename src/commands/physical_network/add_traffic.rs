//! `addTrafficType`: what travels on a physical network, and the bridge of the hosts that carries it.

use super::view::TrafficTypeView;
use crate::{command::prelude::*, store::physical_network};

/// What can travel.
const KINDS: [&str; 4] = ["Guest", "Management", "Public", "Storage"];

/// `addTrafficType`.
#[derive(Debug)]
pub(super) struct AddTrafficType;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the physical network
    physical_network_id: Id<id::PhysicalNetwork>,
    /// what travels: Guest, Management, Public or Storage
    traffic_type: String,
    /// the bridge of KVM hosts that carries it
    kvm_network_label: Option<String>,
}

impl ImmediateCommand for AddTrafficType {
    const SPEC: Spec = Spec {
        name: "addTrafficType",
        about: "Lets something travel on a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: Some("TRAFFIC.TYPE.CREATE"),
    };
    type Request = Request;
    type Subject = id::TrafficType;
    type Response = One<TrafficTypeView>;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::TrafficType>> {
        let wanted = &request.traffic_type;
        let kind =
            KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
                Error::Invalid(format!(
                    "Invalid trafficType parameter: {wanted} is none of {}",
                    KINDS.join(", ")
                ))
            })?;
        let new = physical_network::TrafficType {
            id: Id::mint(),
            physical_network_id: request.physical_network_id,
            kind: (*kind).to_owned(),
            label: label(request.kvm_network_label.as_deref())?,
        };
        physical_network::add_traffic(tx, &new)?;
        Ok(Changed::created(new.id))
    }

    async fn tell(cx: &Cx, id: Id<id::TrafficType>) -> Result<Self::Response> {
        Ok(One(cx.db.read(move |conn| physical_network::traffic_type(conn, id)).await?.into()))
    }
}

/// A bridge's name as Linux allows it.
pub(super) fn label(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.len() > 15 || text.starts_with(['.', '-']) || !text.chars().all(plain) {
        return Err(Error::Invalid(format!("kvmnetworklabel {text} is no bridge's name")));
    }
    Ok(Some(text.to_owned()))
}
