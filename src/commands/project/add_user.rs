//! `addUserToProject`: one user of an account as a member, without the others.

use super::power::{changeable, is_admin, role};
use crate::{
    command::{Changed, ImmediateCommand, Inner, prelude::*},
    store::project_user,
};

/// `addUserToProject`.
#[derive(Debug)]
pub(super) struct AddUserToProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the user, in the domain of the project
    username: String,
    /// the ID of the role that limits the user in the project
    #[param(name = "projectroleid")]
    project_role_id: Option<Inner<id::ProjectRole>>,
    /// Admin or Regular; Regular when not given
    #[param(name = "roletype")]
    role_type: Option<String>,
}

impl ImmediateCommand for AddUserToProject {
    const SPEC: Spec = Spec {
        name: "addUserToProject",
        about: "Adds a user to a project",
        since: "4.14",
        roles: Role::EVERYONE,
        event: Some("PROJECT.USER.ADD"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let id = request.project_id;
        let found = changeable(tx, caller, id)?;
        let name = &request.username;
        let who = project_user::named(tx, name, found.domain.0)?.ok_or_else(|| {
            Error::Invalid(format!("Unable to find user {name} in domain id={}", found.domain.0))
        })?;
        let role = role(tx, Self::SPEC.name, id, request.project_role_id)?;
        project_user::join(tx, id, who, (is_admin(request.role_type.as_deref())?, role))?;
        Ok(Changed::known(id))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
