//! `deleteAccount`: removes an account that owns nothing any more, with its users.

use crate::{
    command::{prelude::*, roles::is_root},
    store::{Window, identity, owner},
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
        about: "Deletes an account that owns nothing, with its users",
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
        let is_above = found.role.2 == crate::domain::identity::RoleType::Admin && !is_root(caller);
        if found.is_default || account == caller.account || is_above {
            return Err(Error::Forbidden(format!("The account {} cannot be deleted", found.name)));
        }
        owner::check_owns_nothing(tx, account)?;
        let subject = Some((Kind::Account, account.uuid()));
        Ok(Admitted { plan: Plan { account }, subject, created: None, describe: None })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Success> {
        let account = plan.account;
        cx.db
            .txn("delete account", move |tx| {
                owner::check_owns_nothing(tx, account)?;
                identity::remove_account(tx, account)
            })
            .await?;
        Ok(Success::YES)
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
