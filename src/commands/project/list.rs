//! `listProjects`: the projects of the caller, or all in reach.

use super::view::{ProjectView, shown};
use crate::{command::prelude::*, store::project};

/// `listProjects`.
#[derive(Debug)]
pub(super) struct ListProjects;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    id: Option<Id<id::Project>>,
    /// the name of the project
    name: Option<String>,
    /// Active or Suspended
    state: Option<String>,
    /// list only projects of this domain
    domain_id: Option<Id<id::Domain>>,
    /// whether to list everything the caller may see
    list_all: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListProjects {
    const SPEC: Spec = Spec {
        name: "listProjects",
        about: "Lists projects",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProjectView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, state, domain_id, list_all, page } = request;
        let is_active = state.map(|state| state.eq_ignore_ascii_case("active"));
        let list_all = list_all.unwrap_or(false) || id.is_some() || domain_id.is_some();
        let filter = project::Filter { id, name, is_active, domain: domain_id, list_all };
        let (window, caller) = (page.window(), cx.caller.clone());
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = project::list(conn, &caller, &filter, &window)?;
                Ok((count, shown(conn, rows)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
