//! `lockAccount`: its users can neither log in nor sign; its instances run on.

use super::{
    grant::{Wanted, set_state, shown},
    view::AccountView,
};
use crate::{command::prelude::*, domain::identity::AccountState};

/// `lockAccount`.
#[derive(Debug)]
pub(super) struct LockAccount;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the account
    account: String,
    /// the ID of the domain of the account
    domain_id: Id<id::Domain>,
}

impl Command for LockAccount {
    const SPEC: Spec = Spec {
        name: "lockAccount",
        about: "Locks an account: its users may not act, its instances run on",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.LOCK"),
    };
    type Request = Request;
    type Response = One<AccountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { account, domain_id } = request;
        let wanted = Wanted { id: None, name: Some(account), domain: Some(domain_id) };
        let changed = cx
            .write(move |tx, caller| {
                let changed = set_state(tx, caller, &wanted, AccountState::Locked)?;
                let subject = Some((Kind::Account, changed.id.uuid()));
                Ok((subject, shown(tx, caller, changed)?))
            })
            .await?;
        Ok(One(changed))
    }
}
