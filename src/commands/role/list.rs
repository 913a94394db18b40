//! `listRoles`: the roles that accounts may have.

use super::{rule_text::kind_named, view::RoleView};
use crate::{command::prelude::*, store::role};

/// `listRoles`.
#[derive(Debug)]
pub(super) struct ListRoles;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the role
    id: Option<Id<id::Role>>,
    /// the name of the role
    name: Option<String>,
    /// the kind of the role: Admin, ResourceAdmin, DomainAdmin or User
    #[param(name = "type")]
    kind: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListRoles {
    const SPEC: Spec = Spec {
        name: "listRoles",
        about: "Lists the roles",
        since: "4.9.0",
        roles: Role::ADMINS,
        event: None,
    };
    type Request = Request;
    type Response = List<RoleView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, kind, page } = request;
        let kind = kind.as_deref().map(kind_named).transpose()?;
        let filter = role::Filter { id, name, kind, is_public: !cx.caller.is_admin() };
        let window = page.window();
        let (count, roles) = cx.db.read(move |conn| role::list(conn, &filter, &window)).await?;
        Ok(List::page(count, roles.into_iter().map(RoleView::from).collect()))
    }
}
