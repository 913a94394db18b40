//! `listProjects`: the projects of the caller, or all in reach.

use super::view::{ProjectView, shown};
use crate::{
    command::{TagFilter, prelude::*},
    domain::identity::Reach,
    store::{owner, project},
};

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
    /// what the project is for
    #[param(name = "displaytext")]
    display_text: Option<String>,
    /// Active or Suspended
    state: Option<String>,
    /// list only projects where this account is a member, must be used with the domainid parameter
    account: Option<String>,
    /// list only projects of this domain
    domain_id: Option<Id<id::Domain>>,
    /// whether to list projects of the domains below it too
    is_recursive: Option<bool>,
    /// whether to list everything the caller may see
    list_all: Option<bool>,
    #[param(group)]
    tags: TagFilter,
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
        let (window, caller) = (request.page.window(), cx.caller.clone());
        let (count, views) = cx
            .db
            .read(move |conn| {
                let filter = filter(conn, &caller, &request)?;
                let (count, rows) = project::list(conn, &caller, &filter, &window)?;
                Ok((count, shown(conn, rows)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}

fn filter(conn: &mut Conn, caller: &Caller, request: &Request) -> Result<project::Filter> {
    let Request { id, name, display_text, state, account, domain_id, tags, .. } = request;
    let is_recursive = request.is_recursive.unwrap_or(false);
    let is_wide = request.list_all.unwrap_or(false) || is_recursive;
    Ok(project::Filter {
        id: *id,
        name: name.clone(),
        display_text: display_text.clone(),
        member: member(conn, caller, account.as_deref(), *domain_id)?,
        is_active: state.as_ref().map(|state| state.eq_ignore_ascii_case("active")),
        // with an account it says whose account is meant, who may be a member elsewhere
        domain: domain_id.filter(|_| account.is_none()),
        is_recursive,
        list_all: is_wide || id.is_some() || domain_id.is_some(),
        tags: tags.0.clone(),
    })
}

/// The account of this name, whose projects the caller may list.
fn member(
    conn: &mut Conn,
    caller: &Caller,
    name: Option<&str>,
    domain: Option<Id<id::Domain>>,
) -> Result<Option<Id<id::Account>>> {
    let Some(name) = name else { return Ok(None) };
    if matches!(caller.scope().reach(), Reach::Account(_)) {
        return match caller.account_name.eq_ignore_ascii_case(name) {
            true => Ok(Some(caller.account)),
            false => {
                Err(Error::Forbidden(format!("Can't list account {name} projects; unauthorized")))
            }
        };
    }
    let Some(home) = domain else {
        return Err(Error::Invalid(format!(
            "could not find account {name} because domain is not specified"
        )));
    };
    let found = owner::account_named(conn, name, home)?.map(|(id, _)| id);
    let unknown = || Error::Invalid(format!("Unable to find account {name} in domain {home}"));
    found.ok_or_else(unknown).map(Some)
}
