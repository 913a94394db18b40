//! `addAccountToProject`: one more member.

use super::power::{account_named, changeable, is_admin, role};
use crate::{
    command::{Inner, prelude::*},
    store::project,
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
    account: String,
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
        let who = account_named(tx, &found, &request.account)?;
        let role = role(tx, Self::SPEC.name, id, request.project_role_id)?;
        project::join(tx, id, who, (is_admin(request.role_type.as_deref())?, role))?;
        Ok(Changed::known(id))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
