//! The commands that are answered before anybody is recognised: log in, log out, and what a login page asks.
//!
//! They are no commands of the registry: they have no role, no caller, and answers with cookies. Their names are
//! matched in any letter case, as the real server does.

use super::envelope::{Answer, Format, Wrapper, failure, plain, success_to_strangers};
use super::intake::exact;
use super::visit::{KEY, NODE, SESSION_COOKIE, Visit};
use crate::command::{
    Kernel,
    sessions::{Attempt, LoggedIn, cookie, home},
};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// A command of the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    LogIn,
    LogOut,
    /// What is asked by a login page about things that are switched off, with the answer that says so.
    Off(&'static str, &'static str),
}

/// The command of the door that the request names, if it names one.
pub(super) fn of(visit: &Visit) -> Option<Door> {
    let name = exact(&visit.params, "command")?;
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match () {
        () if is("login") => Some(Door::LogIn),
        () if is("logout") => Some(Door::LogOut),
        () if is("listOauthProvider") => Some(Door::Off("listOauthProvider", "{}")),
        () if is("listGuiThemes") => Some(Door::Off("listGuiThemes", "{}")),
        () if is("forgotPassword") => Some(Door::Off("forgotPassword", r#"{"enabled":false}"#)),
        () => None,
    }
}

/// Answers it.
pub(super) async fn answer(kernel: &Kernel, visit: &Visit, door: Door) -> Answer {
    let format = Format::of(&visit.params);
    let (name, outcome) = match door {
        Door::LogIn => ("login", log_in(kernel, visit, format).await),
        Door::LogOut => ("logout", log_out(kernel, visit, format).await),
        Door::Off(name, body) => (name, success_to_strangers(format, Wrapper::Command(name), body)),
    };
    outcome.unwrap_or_else(|error| {
        if matches!(error, Error::Internal(_)) {
            tracing::error!(name, error = ?error, "the door is stuck");
        }
        failure(format, Wrapper::Command(name), &error, false)
    })
}

async fn log_in(kernel: &Kernel, visit: &Visit, format: Format) -> Result<Answer> {
    let params = &visit.params;
    if let Some(previous) = visit.session() {
        kernel.log_out(previous).await?;
    }
    if !visit.is_post {
        let sentence = "Please use HTTP POST to authenticate using this API";
        return Ok(with_session(kernel, plain(405, format, sentence), &cookie()?));
    }
    let Some(username) = exact(params, "username") else {
        return Ok(with_session(kernel, plain(531, format, "null"), &cookie()?));
    };
    let domain_id = ["domainid", "domainId"].iter().find_map(|name| exact(params, name));
    let domain_id = domain_id.filter(|id| !id.is_empty());
    let attempt = Attempt {
        username: username.to_owned(),
        password: exact(params, "password").unwrap_or_default().to_owned(),
        home: home(domain_id, exact(params, "domain").unwrap_or_default())?,
        origin: visit.origin.clone(),
    };
    match kernel.log_in(attempt).await {
        Ok(made) => {
            let body = Value::Object(welcome(kernel, &made)).to_string();
            let answer = success_to_strangers(format, Wrapper::Command("login"), &body)?;
            let mut answer = with_session(kernel, answer, &made.cookie);
            let secure = if kernel.wiring().settings.sessions.is_secure { ";Secure" } else { "" };
            answer.cookies.push(format!("{KEY}={};HttpOnly;SameSite=Lax{secure}", made.key));
            Ok(answer)
        }
        Err(error @ Error::LoginRefused(_)) => {
            tracing::info!(peer = ?visit.origin.peer, "a log in was refused");
            let answer = failure(format, Wrapper::Command("login"), &error, false);
            Ok(with_session(kernel, answer, &cookie()?))
        }
        Err(error) => Err(error),
    }
}

async fn log_out(kernel: &Kernel, visit: &Visit, format: Format) -> Result<Answer> {
    let gone = || Error::Parameter("Session not found for the logout process.".to_owned());
    let name = visit.session().ok_or_else(gone)?;
    kernel.session(name).await?.ok_or_else(gone)?;
    kernel.log_out(name).await?;
    let body = r#"{"description":"success"}"#;
    let mut answer = success_to_strangers(format, Wrapper::Command("logout"), body)?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    for (name, _) in visit.cookies.iter().filter(|(name, _)| name.chars().all(is_token)) {
        answer.cookies.push(format!("{name}=; Expires=Thu, 01-Jan-1970 00:00:00 GMT; Max-Age=0"));
    }
    Ok(answer)
}

/// The answer to who logged in; all values are text but the time-out.
fn welcome(kernel: &Kernel, made: &LoggedIn) -> Map<String, Value> {
    let caller = &made.caller;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("username", json!(caller.username));
    put("userid", json!(caller.user.to_string()));
    put("domainid", json!(caller.domain.to_string()));
    put("timeout", json!(kernel.wiring().settings.sessions.idle_seconds));
    put("account", json!(caller.account_name));
    put("firstname", json!(made.names.0));
    put("lastname", json!(made.names.1));
    put("type", json!(caller.role.account_type().to_string()));
    if let Some(zone) = &made.timezone {
        put("timezone", json!(zone));
        if let Some(offset) = offset(zone) {
            put("timezoneoffset", json!(offset));
        }
    }
    put("registered", json!("false"));
    put("sessionkey", json!(made.key));
    put("is2faenabled", json!("false"));
    put("is2faverified", json!("true"));
    put("issuerfor2fa", json!("CloudStack"));
    if caller.is_admin() {
        put("managementserverid", json!(kernel.server().to_string()));
    }
    fields
}

/// The offset in hours, of the names that do not depend on the season and the laws.
fn offset(zone: &str) -> Option<String> {
    match zone {
        "UTC" | "GMT" | "Etc/UTC" | "Etc/GMT" | "Etc/UCT" | "Z" => Some("0.0".to_owned()),
        _ => {
            // POSIX counts westward
            let west: i32 = zone.strip_prefix("Etc/GMT")?.parse().ok()?;
            (-14..=12).contains(&west).then(|| format!("{}.0", -west))
        }
    }
}

/// Who is refused gets the name of a session too, as on the real server; there is no such session.
fn with_session(kernel: &Kernel, mut answer: Answer, name: &str) -> Answer {
    let rest = match kernel.wiring().settings.sessions.is_secure {
        true => ";Secure;HttpOnly;Path=/client",
        false => "; Path=/client",
    };
    answer.cookies.push(format!("{SESSION_COOKIE}={name}{NODE}{rest}"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_hours() {
        assert_eq!(offset("UTC").as_deref(), Some("0.0"));
        assert_eq!(offset("Etc/GMT-5").as_deref(), Some("5.0"));
        assert_eq!(offset("Europe/Berlin"), None);
    }
}
