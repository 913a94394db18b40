//! `deleteAccountFromProject`: one member less; one that may change it always stays.

use super::power::{account_named, changeable, check_administered};
use crate::{command::prelude::*, store::project};

/// `deleteAccountFromProject`.
#[derive(Debug)]
pub(super) struct DeleteAccountFromProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the account, in the domain of the project
    account: String,
}

impl ImmediateCommand for DeleteAccountFromProject {
    const SPEC: Spec = Spec {
        name: "deleteAccountFromProject",
        about: "Removes an account from a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ACCOUNT.REMOVE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = Success;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let id = request.project_id;
        let found = changeable(tx, caller, id)?;
        let who = account_named(tx, &found, &request.account)?;
        if !project::part(tx, id, who)? {
            return Err(Error::Invalid(format!(
                "account {} is no member of the project {}",
                request.account, found.name
            )));
        }
        check_administered(tx, id)?;
        Ok(Changed::known(id))
    }

    async fn tell(_: &Cx, _: Id<id::Project>) -> Result<Success> {
        Ok(Success::YES)
    }
}
