//! `listAlerts`: what is or was wrong, the newest first. One that is over says since when.

use super::{number, view::AlertView};
use crate::{
    command::prelude::*,
    store::alert_list::{self, Filter},
};

/// `listAlerts`.
#[derive(Debug)]
pub(super) struct ListAlerts;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the alert
    id: Option<Id<id::Alert>>,
    /// only alerts of the type with this number
    r#type: Option<String>,
    /// only alerts of the type with this name
    #[param(since = "4.3")]
    name: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListAlerts {
    const SPEC: Spec = Spec {
        name: "listAlerts",
        about: "Lists alerts, the newest first",
        since: "0.1",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: None,
    };
    type Request = Request;
    type Response = List<AlertView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, r#type: kind, name, page } = request;
        let filter = Filter {
            ids: id.into_iter().collect(),
            number: kind.as_deref().map(number),
            name,
            ..Filter::default()
        };
        let read = move |conn: &mut Conn| alert_list::list(conn, &filter, &page.window());
        let (count, rows) = cx.db.read(read).await?;
        Ok(List::page(count, rows.into_iter().map(AlertView::from).collect()))
    }
}
