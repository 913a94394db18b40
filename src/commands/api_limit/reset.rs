//! `resetApiLimit`: counts the calls of an account, or of all, from the beginning, at the server that answers.

use super::rate;
use crate::command::prelude::*;

/// `resetApiLimit`.
#[derive(Debug)]
pub(super) struct ResetApiLimit;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the account; all accounts when not given
    account: Option<Id<id::Account>>,
}

impl Command for ResetApiLimit {
    const SPEC: Spec = Spec {
        name: "resetApiLimit",
        about: "Counts the calls of an account from the beginning",
        since: "4.1.0",
        roles: Role::ADMIN,
        event: Some("API.LIMIT.RESET"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { account }: Request) -> Result<Self::Response> {
        rate(cx).await?;
        cx.write(move |_, _| Ok((account.map(|id| (Kind::Account, id.uuid())), ()))).await?;
        cx.throttle.reset(account);
        Ok(Success::YES)
    }
}
