//! From decoded parameters to an answer: who calls, may they, what did the command say.
//!
//! The order of the checks decides which error a client sees, and clients know it: a command that the key's role may
//! not use is 432 even with a wrong signature, an unknown one is 401.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Instant;

use super::envelope::{Answer, Format, Wrapper, failure, success};
use super::intake::{Params, any_case, exact};
use super::visit::{KEY, Visit};
use super::{door, expires, signature};
use crate::command::prelude::Caller;
use crate::command::{Args, Entry, Kernel, Keyed, sessions::Session};
use crate::error::{Error, Result};

/// Stands for a user whose id is none of the caller's business.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Answers a request, and counts it.
pub async fn answer(kernel: &Kernel, visit: Visit) -> Answer {
    let began = Instant::now();
    let entry = exact(&visit.params, "command").and_then(|name| kernel.find(name));
    let command = match (door::of(&visit), entry) {
        (Some(_), _) => "login",
        (None, Some(entry)) => entry.spec.name,
        (None, None) => "unknown",
    };
    let answer = unmetered(kernel, visit).await;
    kernel.meter().count(command, answer.status, began.elapsed());
    answer
}

async fn unmetered(kernel: &Kernel, visit: Visit) -> Answer {
    if let Some(door) = door::of(&visit) {
        return door::answer(kernel, &visit, door).await;
    }
    let format = Format::of(&visit.params);
    let entry = exact(&visit.params, "command").and_then(|name| kernel.find(name));
    let wrapper = wrapper(entry, &visit.params);
    let (caller, entry) = match recognise(kernel, entry, &visit).await {
        Ok(recognised) => recognised,
        Err((error, is_known)) => return refuse(format, wrapper, &error, is_known),
    };
    let params = visit.params;
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

/// Who calls: a session if there is one, else a key. The error says whether the caller is known nevertheless.
async fn recognise(
    kernel: &Kernel,
    entry: Option<&'static Entry>,
    visit: &Visit,
) -> Result<(Arc<Caller>, &'static Entry), (Error, bool)> {
    if let Some(cookie) = visit.session() {
        let session = kernel.session(cookie).await.map_err(|error| (error, false))?;
        if let Some(session) = session {
            return by_session(kernel, entry, visit, &session, cookie).await;
        }
    }
    let by_key = by_signature(kernel, entry, visit);
    by_key.await.map_err(|error| (error, false))
}

/// Recognises the caller by a session. Its key must come twice, as a cookie and as a parameter: another site can make a
/// browser send the cookie, but cannot know it. One request without it ends the session.
async fn by_session(
    kernel: &Kernel,
    entry: Option<&'static Entry>,
    visit: &Visit,
    session: &Session,
    cookie: &str,
) -> Result<(Arc<Caller>, &'static Entry), (Error, bool)> {
    let is_genuine = exact(&visit.params, KEY).is_some_and(|key| session.is_key(key))
        && visit.cookies(KEY).any(|key| session.is_key(key));
    if !is_genuine {
        kernel.log_out(cookie).await.map_err(|error| (error, false))?;
        return Err((Error::BadSession, false));
    }
    if !session.pass.takes(&visit.origin) {
        kernel.log_out(cookie).await.map_err(|error| (error, false))?;
        return Err((Error::Unauthenticated, false));
    }
    let caller = Arc::clone(&session.caller);
    let known = |error| (error, true);
    let Some(entry) = entry else {
        let command = exact(&visit.params, "command").ok_or(known(Error::NoCommand))?;
        return Err(known(kernel.unknown(&caller, command)));
    };
    kernel.authorise(&caller, entry).map_err(known)?;
    kernel.count(&caller, &session.pass).map_err(known)?;
    Ok((caller, entry))
}

/// Recognises the caller by API key and signature. Where it calls from is looked at first: who may not call from there is not
/// even told what its role may.
async fn by_signature(
    kernel: &Kernel,
    entry: Option<&'static Entry>,
    visit: &Visit,
) -> Result<(Arc<Caller>, &'static Entry)> {
    let params = &visit.params;
    let entry = entry.ok_or(Error::Unauthenticated)?;
    // keys are ASCII; anything else would only make the database look at every row
    let key =
        any_case(params, "apikey").filter(|key| key.is_ascii()).ok_or(Error::Unauthenticated)?;
    if any_case(params, "signature").is_none() || !expires::is_current(params, visit.now) {
        return Err(Error::Unauthenticated);
    }
    let Keyed { caller, secret, pass } =
        kernel.authenticate(key).await?.ok_or(Error::Unauthenticated)?;
    if !pass.takes(&visit.origin) {
        return Err(Error::Unauthenticated);
    }
    let is_genuine = signature::verify(params, &secret);
    match kernel.authorise(&caller, entry) {
        Ok(()) if is_genuine => {
            kernel.count(&caller, &pass)?;
            Ok((caller, entry))
        }
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
