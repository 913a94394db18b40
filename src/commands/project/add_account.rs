//! `addAccountToProject`: one more member, or an invitation where those are required.

use super::{
    invite::{ask, check_active, is_required, no_mail},
    power::{account_named, changeable, is_admin, role},
};
use crate::{
    command::{Inner, prelude::*},
    store::{project, project_invitation::Invitee},
};

/// `addAccountToProject`.
#[derive(Debug)]
pub(super) struct AddAccountToProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the account, in the domain of the project
    account: Option<String>,
    /// an address to invite by mail; refused where invitations are required, since no mail is sent
    email: Option<String>,
    /// the ID of the role that limits the account in the project
    #[param(name = "projectroleid")]
    project_role_id: Option<Inner<id::ProjectRole>>,
    /// Admin or Regular; Regular when not given
    #[param(name = "roletype")]
    role_type: Option<String>,
}

impl ImmediateCommand for AddAccountToProject {
    const SPEC: Spec = Spec {
        name: "addAccountToProject",
        about: "Adds an account to a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ACCOUNT.ADD"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let id = request.project_id;
        let found = changeable(tx, caller, id)?;
        check_active(&found, "account")?;
        let asks = is_required(tx)?;
        let Some(name) = request.account.as_deref().filter(|name| !name.is_empty()) else {
            if asks {
                no_mail(request.email.as_deref())?;
            }
            return Err(Error::invalid(match request.email {
                None => "Either accountName or email is required",
                Some(_) => "Account information is required for assigning account to the project",
            }));
        };
        let who = account_named(tx, &found, name)?;
        let role = role(tx, Self::SPEC.name, id, request.project_role_id)?;
        let becomes = (is_admin(request.role_type.as_deref())?, role);
        match asks {
            true => ask(tx, &found, Invitee { account: who, user: None }, becomes)?,
            false => project::join(tx, id, who, becomes)?,
        }
        let verb = if asks { "inviting" } else { "adding" };
        Ok(Changed::known(id).described(format!("{verb} account {name} to project {}", found.name)))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
