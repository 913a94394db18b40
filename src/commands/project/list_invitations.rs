//! `listProjectInvitations`: none, members are added without being asked.

use crate::command::prelude::*;

/// `listProjectInvitations`.
#[derive(Debug)]
pub(super) struct ListProjectInvitations;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    _page: Page,
}

/// An invitation to a project.
#[derive(Debug, View)]
#[view(object = "projectinvitation")]
pub(super) struct ProjectInvitationView {
    /// the ID of the invitation
    id: String,
    /// the state of the invitation
    state: String,
}

impl Command for ListProjectInvitations {
    const SPEC: Spec = Spec {
        name: "listProjectInvitations",
        about: "Lists invitations to projects, of which there are none",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProjectInvitationView>;

    async fn run(_: &Cx, _: Request) -> Result<Self::Response> {
        Ok(List::whole(Vec::new()))
    }
}
