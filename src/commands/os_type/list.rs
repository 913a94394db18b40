//! `listOsTypes`: the operating systems that templates can name.

use super::view::OsTypeView;
use crate::{command::prelude::*, store::os_type};

/// `listOsTypes`.
#[derive(Debug)]
pub(super) struct ListOsTypes;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the OS type
    id: Option<Id<id::OsType>>,
    /// the ID of the OS category
    os_category_id: Option<Id<id::OsCategory>>,
    /// the name of the OS type
    description: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListOsTypes {
    const SPEC: Spec = Spec {
        name: "listOsTypes",
        about: "Lists the OS types that templates can name",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<OsTypeView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, os_category_id, description, page } = request;
        let filter = os_type::Filter { id, category: os_category_id, name: description };
        let (count, rows) =
            cx.db.read(move |conn| os_type::list(conn, &filter, &page.window())).await?;
        Ok(List::page(count, rows.into_iter().map(OsTypeView::from).collect()))
    }
}
