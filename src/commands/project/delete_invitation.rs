//! `deleteProjectInvitation`: who may change a project takes an invitation to it back.

use super::power::changeable;
use crate::{
    command::{Inner, prelude::*, unknown_id},
    store::project_invitation,
};

/// `deleteProjectInvitation`.
#[derive(Debug)]
pub(super) struct DeleteProjectInvitation;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the invitation
    id: Inner<id::ProjectInvitation>,
}

impl ImmediateCommand for DeleteProjectInvitation {
    const SPEC: Spec = Spec {
        name: "deleteProjectInvitation",
        about: "Deletes an invitation to a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.INVITATION.REMOVE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let Inner(id) = request.id;
        let found = project_invitation::seen(tx, caller, id)?
            .ok_or_else(|| unknown_id(Self::SPEC.name, "id", &id.to_string()))?;
        let to = changeable(tx, caller, found.project.0)?;
        project_invitation::remove(tx, id)?;
        let text = format!(
            "deleting the invitation of account {} to project {}",
            found.account.1, to.name
        );
        Ok(Changed::known(to.id).described(text))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
