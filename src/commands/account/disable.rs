//! `disableAccount`: its users can neither log in nor sign, from the moment the request is answered.

use super::{
    grant::{Wanted, set_state, shown},
    view::AccountView,
};
use crate::{
    command::prelude::*,
    domain::identity::AccountState,
    store::{Window, identity},
};
use serde::{Deserialize, Serialize};

/// `disableAccount`.
#[derive(Debug)]
pub(super) struct DisableAccount;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the account
    id: Option<Id<id::Account>>,
    /// the name of the account
    account: Option<String>,
    /// the ID of the domain of the account
    domain_id: Option<Id<id::Domain>>,
    /// whether the account is locked only
    lock: bool,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    account: Id<id::Account>,
}

impl AsyncCommand for DisableAccount {
    const SPEC: Spec = Spec {
        name: "disableAccount",
        about: "Disables an account: its users may not act, its instances run on",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.DISABLE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<AccountView>;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let Request { id, account, domain_id, lock } = request;
        let wanted = Wanted { id: *id, name: account.clone(), domain: *domain_id };
        let state = if *lock { AccountState::Locked } else { AccountState::Disabled };
        let changed = set_state(tx, caller, &wanted, state)?;
        let subject = Some((Kind::Account, changed.id.uuid()));
        let plan = Plan { account: changed.id };
        Ok(Admitted { plan, subject, created: None, describe: None })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<AccountView>> {
        let (id, caller) = (plan.account, cx.caller.clone());
        let found = cx.db.read(move |conn| {
            let filter = identity::AccountFilter { id: Some(id), ..Default::default() };
            let (_, found) = identity::accounts(conn, &caller.scope(), &filter, &Window::ALL)?;
            let found = found.into_iter().next();
            let found =
                found.ok_or_else(|| Error::NotFound { what: "account", id: id.to_string() })?;
            shown(conn, &caller, found)
        });
        Ok(One(found.await?))
    }

    /// An account stays disabled.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
