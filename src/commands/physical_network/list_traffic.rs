//! `listTrafficTypes`: what travels on a physical network.

use super::view::TrafficTypeView;
use crate::{command::prelude::*, store::physical_network};

/// `listTrafficTypes`.
#[derive(Debug)]
pub(super) struct ListTrafficTypes;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the physical network
    physical_network_id: Id<id::PhysicalNetwork>,
    #[param(group)]
    page: Page,
}

impl Command for ListTrafficTypes {
    const SPEC: Spec = Spec {
        name: "listTrafficTypes",
        about: "Lists what travels on a physical network",
        since: "3.0.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<TrafficTypeView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { physical_network_id, page } = request;
        let rows =
            cx.db.read(move |conn| physical_network::traffic(conn, physical_network_id)).await?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let rows = rows.into_iter().skip(first).take(most);
        Ok(List::page(count, rows.map(TrafficTypeView::from).collect()))
    }
}
