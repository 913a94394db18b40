//! `deleteUserFromProject`: one user less; one that may change the project always stays.

use super::power::{changeable, check_administered};
use crate::{
    command::{Changed, ImmediateCommand, Inner, prelude::*, unknown_id},
    store::project_user,
};

/// `deleteUserFromProject`.
#[derive(Debug)]
pub(super) struct DeleteUserFromProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the ID of the user
    #[param(name = "userid")]
    user_id: Inner<id::User>,
}

impl ImmediateCommand for DeleteUserFromProject {
    const SPEC: Spec = Spec {
        name: "deleteUserFromProject",
        about: "Removes a user from a project",
        since: "4.15.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.USER.REMOVE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let (id, Inner(who)) = (request.project_id, request.user_id);
        changeable(tx, caller, id)?;
        if !project_user::part(tx, id, who)? {
            return Err(unknown_id(Self::SPEC.name, "userid", &who.to_string()));
        }
        check_administered(tx, id)?;
        Ok(Changed::known(id))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
