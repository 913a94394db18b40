//! `listProjectInvitations`: the caller's own, or those of projects that it may change.

use super::view::ProjectInvitationView;
use crate::{
    command::{Inner, prelude::*, unknown_id},
    domain::identity::InvitationState,
    store::{
        lookup,
        owner::Wanted,
        project_invitation::{self, Filter},
    },
};
use std::sync::Arc;

/// `listProjectInvitations`.
#[derive(Debug)]
pub(super) struct ListProjectInvitations;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// list invitations to this project
    #[param(name = "projectid")]
    project_id: Option<Inner<id::Project>>,
    /// whether to list only what can still be accepted
    #[param(name = "activeonly")]
    active_only: Option<bool>,
    /// Pending, Completed, Expired or Declined
    state: Option<String>,
    /// the ID of the invitation
    id: Option<Inner<id::ProjectInvitation>>,
    /// list invitations of this user
    user_id: Option<Id<id::User>>,
    /// list invitations of this account, must be used with the domainid parameter
    account: Option<String>,
    /// list only invitations of accounts of this domain
    domain_id: Option<Id<id::Domain>>,
    /// whether to list those of all domains below that domain too
    is_recursive: Option<bool>,
    /// whether to list everything the caller may see
    list_all: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListProjectInvitations {
    const SPEC: Spec = Spec {
        name: "listProjectInvitations",
        about: "Lists invitations to projects",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProjectInvitationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { project_id, active_only, state, id, user_id, .. } = request;
        if request.account.is_some() && request.domain_id.is_none() {
            return Err(Error::invalid("Account must be specified with domainId parameter"));
        }
        let wanted = Wanted {
            account: request.account,
            domain: request.domain_id,
            is_recursive: request.is_recursive.unwrap_or(false),
            list_all: request.list_all.unwrap_or(false),
            project: None,
        };
        let state = match (active_only, state) {
            (Some(true), _) => Some(InvitationState::Pending),
            (_, None) => None,
            (_, Some(text)) => {
                let is = |state: &&InvitationState| state.to_string().eq_ignore_ascii_case(&text);
                match InvitationState::ALL.iter().find(is) {
                    Some(state) => Some(*state),
                    None => return Ok(List::whole(Vec::new())),
                }
            }
        };
        let filter = Filter {
            id: id.map(|Inner(id)| id),
            project: project_id.map(|Inner(id)| id),
            user: user_id,
            state,
        };
        let (window, caller) = (request.page.window(), Arc::clone(&cx.caller));
        let (count, rows) = cx
            .db
            .read(move |conn| {
                check(conn, &caller, &filter)?;
                project_invitation::list(conn, &caller, (&filter, &wanted), &window)
            })
            .await?;
        Ok(List::page(count, rows.into_iter().map(ProjectInvitationView::from).collect()))
    }
}

/// Refuses an invitation that the caller does not see, and a project that it neither sees nor is invited to.
fn check(conn: &mut Conn, caller: &Caller, filter: &Filter) -> Result<()> {
    let unknown = |param, id: String| unknown_id("listProjectInvitations", param, &id);
    if let Some(id) = filter.id {
        let seen = project_invitation::seen(conn, caller, id)?;
        seen.ok_or_else(|| unknown("id", id.to_string()))?;
    }
    let Some(to) = filter.project else { return Ok(()) };
    let key = (Kind::Project, to.uuid());
    if lookup::visible(conn, caller, &[key])?.ids.contains(&key) {
        return Ok(());
    }
    let any = Filter { project: Some(to), ..Filter::default() };
    let words = (&any, &Wanted::default());
    let (_, found) = project_invitation::list(conn, caller, words, &crate::store::Window::ALL)?;
    match found.is_empty() {
        true => Err(unknown("projectid", to.to_string())),
        false => Ok(()),
    }
}
