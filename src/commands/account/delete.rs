//! `deleteAccount`: removes an account with its users and all that it owns.
//!
//! The account is disabled with the request, so it cannot make anything new while its things go, each by the command
//! that a client would use. A second request goes on where the first one failed.

use super::grant::has_power_over;
use crate::{
    command::prelude::*,
    domain::identity::AccountState,
    store::{Window, identity, owner, project},
};
use serde::{Deserialize, Serialize};

/// `deleteAccount`.
#[derive(Debug)]
pub(super) struct DeleteAccount;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the account
    id: Id<id::Account>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    account: Id<id::Account>,
}

impl AsyncCommand for DeleteAccount {
    const SPEC: Spec = Spec {
        name: "deleteAccount",
        about: "Deletes an account with its users and everything it owns",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let account = request.id;
        let filter = identity::AccountFilter { id: Some(account), ..Default::default() };
        let (_, found) = identity::accounts(tx, &caller.scope(), &filter, &Window::ALL)?;
        let Some(found) = found.into_iter().next() else {
            return Err(Error::NotFound { what: "account", id: account.to_string() });
        };
        let is_above = !has_power_over(tx, caller, &found)?;
        if found.is_default || account == caller.account || is_above {
            return Err(Error::Forbidden(format!("The account {} cannot be deleted", found.name)));
        }
        let managed = project::administrated(tx, account)?;
        if !managed.is_empty() {
            let managed: Vec<String> = managed.iter().map(ToString::to_string).collect();
            return Err(Error::Invalid(format!(
                "Unable to delete account [{account}], because it manages the following project(s): [{}]. Please, remove the account from these projects or demote it to a regular project role first.",
                managed.join(", ")
            )));
        }
        identity::set_account_state(tx, account, AccountState::Disabled)?;
        let subject = Some((Kind::Account, account.uuid()));
        Ok(Admitted { plan: Plan { account }, subject, created: None, describe: None })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Success> {
        let account = plan.account;
        cx.clear(account).await?;
        cx.db
            .txn("delete account", move |tx| {
                owner::check_owns_nothing(tx, account)?;
                identity::remove_account(tx, account)
            })
            .await?;
        Ok(Success::YES)
    }

    /// What is gone is gone; the account stays disabled.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
