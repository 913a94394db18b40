//! From decoded parameters to an answer: who calls, may they, what did the command say.
//!
//! The order of the checks decides which error a client sees, and clients know it: a command that the key's role may
//! not use is 432 even with a wrong signature, an unknown one is 401. A way to be recognised other than by key and
//! signature plugs in beside `by_signature`.

use std::error::Error as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::envelope::{Answer, Format, Wrapper, failure, success};
use super::intake::{Params, any_case, exact};
use super::{expires, signature};
use crate::command::prelude::Caller;
use crate::command::{Args, Entry, Kernel};
use crate::error::{Error, Result};

/// Stands for a user whose id is none of the caller's business.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Answers a request that arrived at `now`.
pub async fn answer(kernel: &Kernel, params: Params, now: DateTime<Utc>) -> Answer {
    let format = Format::of(&params);
    let entry = exact(&params, "command").and_then(|name| kernel.find(name));
    let wrapper = wrapper(entry, &params);
    let (caller, entry) = match by_signature(kernel, entry, &params, now).await {
        Ok(recognised) => recognised,
        Err(error) => return refuse(format, wrapper, &error, false),
    };
    tracing::debug!(command = entry.spec.name, user = %caller.username, "call");
    let outcome = match Args::new(params) {
        Ok(args) => kernel.dispatch(caller, entry, args).await,
        Err(error) => Err(error),
    };
    match outcome.and_then(|body| success(format, wrapper, &body)) {
        Ok(answer) => answer,
        Err(error) => refuse(format, wrapper, &error, true),
    }
}

/// What the answer is called, which is settled before anything else is.
fn wrapper(entry: Option<&'static Entry>, params: &Params) -> Wrapper<'static> {
    match entry {
        Some(entry) => Wrapper::Command(entry.spec.name),
        None if params.is_empty() || exact(params, "command").is_some() => Wrapper::NoCommand,
        None => Wrapper::Null,
    }
}

/// Recognises the caller by API key and signature.
async fn by_signature(
    kernel: &Kernel,
    entry: Option<&'static Entry>,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<(Arc<Caller>, &'static Entry)> {
    let entry = entry.ok_or(Error::Unauthenticated)?;
    // keys are ASCII; anything else would only make the database look at every row
    let key =
        any_case(params, "apikey").filter(|key| key.is_ascii()).ok_or(Error::Unauthenticated)?;
    if any_case(params, "signature").is_none() || !expires::is_current(params, now) {
        return Err(Error::Unauthenticated);
    }
    let (caller, secret) = kernel.authenticate(key).await?.ok_or(Error::Unauthenticated)?;
    let is_genuine = signature::verify(params, &secret);
    match kernel.authorise(&caller, entry) {
        Ok(()) if is_genuine => Ok((caller, entry)),
        Ok(()) => Err(Error::Unauthenticated),
        // as on the real server the role is told first, but who has only the key does not learn whose it is
        Err(Error::Denied { command, .. }) if !is_genuine => {
            Err(Error::Denied { command, user: NOBODY.into() })
        }
        Err(error) => Err(error),
    }
}

/// The answer to a failure; what the caller must not read goes to the log.
fn refuse(format: Format, wrapper: Wrapper<'_>, error: &Error, known: bool) -> Answer {
    if let Some(cause) = error.source() {
        tracing::error!(?wrapper, code = error.code(), cause, "{error}");
    } else {
        tracing::debug!(?wrapper, code = error.code(), "{error}");
    }
    failure(format, wrapper, error, known)
}
