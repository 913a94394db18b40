//! `getApiLimit`: how often the caller's account has called, and may still call, at the server that answers.

use super::rate;
use crate::command::prelude::*;
use std::time::Instant;

/// `getApiLimit`.
#[derive(Debug)]
pub(super) struct GetApiLimit;

/// It has none.
#[derive(Debug, Params)]
pub(super) struct Request {}

/// What is left of the calls of an account.
#[derive(Debug, View)]
#[view(object = "apilimit")]
pub(super) struct ApiLimitView {
    /// the ID of the account
    account_id: Id<id::Account>,
    /// the name of the account
    account: String,
    /// how many calls were made
    #[view(name = "apiIssued")]
    api_issued: u32,
    /// how many more may be made
    #[view(name = "apiAllowed")]
    api_allowed: i32,
    /// the milliseconds until calls are counted from the beginning
    #[view(name = "expireAfter")]
    expire_after: i64,
}

impl Command for GetApiLimit {
    const SPEC: Spec = Spec {
        name: "getApiLimit",
        about: "Tells how often the account of the caller may still call",
        since: "4.1.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = One<ApiLimitView>;

    async fn run(cx: &Cx, _: Request) -> Result<Self::Response> {
        let rate = rate(cx).await?;
        let left = cx.throttle.left(cx.caller.account, Instant::now());
        let rest = match left.calls {
            0 => u128::from(rate.seconds) * 1000,
            _ => left.rest.as_millis(),
        };
        let allowed = i64::from(rate.most) - i64::from(left.calls);
        Ok(One(ApiLimitView {
            account_id: cx.caller.account,
            account: cx.caller.account_name.clone(),
            api_issued: left.calls,
            api_allowed: i32::try_from(allowed).unwrap_or(i32::MAX),
            expire_after: i64::try_from(rest).unwrap_or(i64::MAX),
        }))
    }
}
