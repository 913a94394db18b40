//! `listResourceDetails`: the details of a thing that the caller may see; for root administrators also all things with a
//! detail.

use super::view::ResourceDetailView;
use crate::{
    command::{DetailsOf, Named, prelude::*},
    store::detail::{self, Filter},
};

/// `listResourceDetails`.
#[derive(Debug)]
pub(super) struct ListResourceDetails;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the detail
    key: Option<String>,
    /// the value of the detail; needs key
    #[param(admin, since = "4.4")]
    value: Option<String>,
    /// true for the details that users see, false for the others
    #[param(admin, since = "4.3")]
    for_display: Option<bool>,
    #[param(group)]
    page: Page,
    #[param(group)]
    things: DetailsOf,
}

impl Command for ListResourceDetails {
    const SPEC: Spec = Spec {
        name: "listResourceDetails",
        about: "Lists the details of resources",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ResourceDetailView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { key, value, for_display, things: DetailsOf { of, id }, page } = request;
        if id.is_none() && value.is_none() {
            return Err(Error::invalid(
                "Insufficient parameters passed for listing by resourceId OR key,value pair. Please check your params and try again.",
            ));
        }
        if value.is_some() && key.is_none() {
            return Err(Error::invalid(
                "Listing by (key, value) but key is null. Please check the params and try again",
            ));
        }
        let is_admin = cx.caller.is_admin();
        // whoever does not see pools has nothing to read of theirs
        if let Some(id) = id.filter(|_| of.kind == Some(Kind::StoragePool) && !is_admin) {
            return Err(Named::Resource(of.name).unknown(&id.to_string()));
        }
        let for_display = if is_admin { for_display } else { Some(true) };
        let Some(kind) = of.kind else { return Ok(List::whole(Vec::new())) };
        let filter = Filter { kind, owner: id, name: key, value, for_display };
        let (count, rows) =
            cx.db.read(move |conn| detail::list(conn, &filter, &page.window())).await?;
        let views = rows.into_iter().map(|row| ResourceDetailView::new(of, row));
        Ok(List::page(count, views.collect()))
    }
}
