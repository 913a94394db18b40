//! `generateAlert`: an alert by hand, from a program that watches something this service does not know.

use crate::{
    command::prelude::*,
    domain::alert,
    store::alert::{self as alerts, ByHand},
};

/// `generateAlert`.
#[derive(Debug)]
pub(super) struct GenerateAlert;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the number of its type
    r#type: i16,
    /// the name of its type
    name: String,
    /// what it says
    #[param(max = 999)]
    description: String,
    /// the ID of the zone it is about
    zone_id: Option<Id<id::Zone>>,
    /// the ID of the pod it is about
    pod_id: Option<Id<id::Pod>>,
}

impl ImmediateCommand for GenerateAlert {
    const SPEC: Spec = Spec {
        name: "generateAlert",
        about: "Raises an alert",
        since: "4.3",
        roles: Role::ADMIN,
        event: Some("ALERT.GENERATE"),
    };
    type Request = Request;
    type Subject = id::Alert;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Changed<id::Alert>> {
        let Request { r#type: number, name, description, zone_id, pod_id } = request;
        let ours = alert::ALL.iter().find(|kind| kind.number == *number);
        if let Some(kind) = ours.filter(|kind| !kind.name.eq_ignore_ascii_case(name)) {
            return Err(Error::Invalid(format!(
                "There is a default alert having type {number} and name {}",
                kind.name
            )));
        }
        let (text, name) = (description.clone(), name.clone());
        let new = ByHand { number: *number, name, text, zone: *zone_id, pod: *pod_id };
        let id = alerts::by_hand(tx, &new)?;
        Ok(Changed::known(id).described(format!("Alert generated: {}", new.name)))
    }

    async fn tell(_: &Cx, _: Id<id::Alert>) -> Result<Self::Response> {
        Ok(Success::YES)
    }
}
