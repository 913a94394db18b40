//! `deleteAccountFromProject`: one member less; one that may change it always stays.

use super::power::{account_named, changeable, check_administered};
use crate::{command::prelude::*, store::project};
use serde::{Deserialize, Serialize};

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

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    project: Id<id::Project>,
}

impl AsyncCommand for DeleteAccountFromProject {
    const SPEC: Spec = Spec {
        name: "deleteAccountFromProject",
        about: "Removes an account from a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.ACCOUNT.REMOVE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
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
        let subject = Some((Kind::Project, id.uuid()));
        Ok(Admitted { plan: Plan { project: id }, subject, created: None, describe: None })
    }

    async fn run(_: &Cx, _: &Plan) -> Result<Success> {
        Ok(Success::YES)
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
