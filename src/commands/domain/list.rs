//! `listDomains`: the domains that the caller may see.

use super::view::DomainView;
use crate::{
    command::prelude::*,
    commands::annotation::view::annotated,
    store::{identity, limit},
};

/// `listDomains`.
#[derive(Debug)]
pub(super) struct ListDomains;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the domain
    id: Option<Id<id::Domain>>,
    /// the name of the domain
    name: Option<String>,
    #[param(group)]
    page: Page,
}

impl Command for ListDomains {
    const SPEC: Spec = Spec {
        name: "listDomains",
        about: "Lists domains",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: None,
    };
    type Request = Request;
    type Response = List<DomainView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, page } = request;
        let (scope, own, window) = (cx.caller.scope(), cx.caller.domain, page.window());
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) =
                    identity::domains(conn, &scope, own, id, name.as_deref(), &window)?;
                let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
                let owners: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
                let parents = identity::with_children(conn, &ids)?;
                let mut limits = limit::standings(conn, &owners)?;
                let view = |row: identity::Domain| {
                    let has_child = parents.contains(&row.id);
                    let limits = limits.remove(&row.id.uuid()).unwrap_or_default();
                    DomainView::new(row, has_child, limits.into())
                };
                Ok((count, annotated(conn, rows.into_iter().map(view))?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
