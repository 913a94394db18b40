//! `listOsCategories`: the families of operating systems.

use super::view::OsCategoryView;
use crate::{command::prelude::*, store::os_type};

/// `listOsCategories`.
#[derive(Debug)]
pub(super) struct ListOsCategories;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the OS category
    id: Option<Id<id::OsCategory>>,
    /// the name of the OS category
    name: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListOsCategories {
    const SPEC: Spec = Spec {
        name: "listOsCategories",
        about: "Lists the OS categories",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<OsCategoryView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, page } = request;
        let read =
            move |conn: &mut Conn| os_type::categories(conn, id, name.as_deref(), &page.window());
        let (count, rows) = cx.db.read(read).await?;
        Ok(List::page(count, rows.into_iter().map(OsCategoryView::from).collect()))
    }
}
