//! `enableAccount`: an account that was locked or disabled may act again.

use super::{
    grant::{Wanted, set_state, shown},
    view::AccountView,
};
use crate::{command::prelude::*, domain::identity::AccountState};

/// `enableAccount`.
#[derive(Debug)]
pub(super) struct EnableAccount;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the account
    id: Option<Id<id::Account>>,
    /// the name of the account
    account: Option<String>,
    /// the ID of the domain of the account
    domain_id: Option<Id<id::Domain>>,
}

impl Command for EnableAccount {
    const SPEC: Spec = Spec {
        name: "enableAccount",
        about: "Enables an account",
        since: "3.0.0",
        roles: Role::ADMINS,
        event: Some("ACCOUNT.ENABLE"),
    };
    type Request = Request;
    type Response = One<AccountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, account, domain_id } = request;
        let wanted = Wanted { id, name: account, domain: domain_id };
        let changed = cx
            .write(move |tx, caller| {
                let changed = set_state(tx, caller, &wanted, AccountState::Enabled)?;
                let subject = Some((Kind::Account, changed.id.uuid()));
                Ok((subject, shown(tx, caller, changed)?))
            })
            .await?;
        Ok(One(changed))
    }
}
