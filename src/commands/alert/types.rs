//! `listAlertTypes`: what kinds of alerts this service raises.

use super::view::AlertTypeView;
use crate::{command::prelude::*, domain::alert};

/// `listAlertTypes`.
#[derive(Debug)]
pub(super) struct ListAlertTypes;

/// Its parameters: none.
#[derive(Debug, Params)]
pub(super) struct Request {}

impl Command for ListAlertTypes {
    const SPEC: Spec = Spec {
        name: "listAlertTypes",
        about: "Lists the types of alerts",
        since: "0.1",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<AlertTypeView>;

    async fn run(_: &Cx, request: Request) -> Result<Self::Response> {
        let Request {} = request;
        let view =
            |kind: alert::AlertType| AlertTypeView { alert_type_id: kind.number, name: kind.name };
        Ok(List::whole(alert::ALL.map(view).into()))
    }
}
