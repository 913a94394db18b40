//! `addUserToProject`: one user of an account as a member, without the others, or an invitation where those are required.

use super::{
    invite::{ask, check_active, is_required, no_mail},
    power::{changeable, is_admin, role},
};
use crate::{
    command::{Changed, ImmediateCommand, Inner, prelude::*},
    store::{project_invitation::user_in, project_user},
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
    /// an address to invite by mail; refused where invitations are required, since no mail is sent
    email: Option<String>,
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
        check_active(&found, "user")?;
        let name = &request.username;
        let unknown = || {
            Error::Invalid(format!("Unable to find user {name} in domain id={}", found.domain.0))
        };
        let who = project_user::named(tx, name, found.domain.0)?.ok_or_else(unknown)?;
        let role = role(tx, Self::SPEC.name, id, request.project_role_id)?;
        let becomes = (is_admin(request.role_type.as_deref())?, role);
        let asks = is_required(tx)?;
        if asks {
            no_mail(request.email.as_deref())?;
            let who = user_in(tx, who, found.domain.0)?.ok_or_else(unknown)?;
            ask(tx, &found, who, becomes)?;
        } else {
            project_user::join(tx, id, who, becomes)?;
        }
        let verb = if asks { "inviting" } else { "adding" };
        Ok(Changed::known(id).described(format!("{verb} user {name} to project {}", found.name)))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
