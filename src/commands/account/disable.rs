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

impl ImmediateCommand for DisableAccount {
    const SPEC: Spec = Spec {
        name: "disableAccount",
        about: "Disables an account: its users may not act, its instances run on",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.DISABLE"),
    };
    type Request = Request;
    type Subject = id::Account;
    type Response = One<AccountView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Account>> {
        let Request { id, account, domain_id, lock } = request;
        let wanted = Wanted { id: *id, name: account.clone(), domain: *domain_id };
        let state = if *lock { AccountState::Locked } else { AccountState::Disabled };
        let changed = set_state(tx, caller, &wanted, state)?;
        Ok(Changed::known(changed.id))
    }

    async fn tell(cx: &Cx, id: Id<id::Account>) -> Result<One<AccountView>> {
        let caller = cx.caller.clone();
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
}
