//! Logging in and out: passwords become sessions, sessions become callers.
//!
//! All of it is in the database, so a session begun at one server goes on at any other. What the browser holds is kept
//! as a hash; whoever is locked, deleted or given another password loses every session in the same transaction. A
//! wrong password and an unknown name take the same time and read the same.

use super::{Kernel, Pass, secret};
use crate::{
    domain::{Id, Kind, access::Origin, id, identity::Caller},
    error::{Error, Result},
    store::{
        seed::ROOT_DOMAIN,
        session::{self, Candidate, Home},
    },
};
use std::{net::IpAddr, sync::Arc};
use tokio::sync::Semaphore;

/// The event of a log in, which is no command of the registry.
pub const LOGIN: &str = "USER.LOGIN";

/// Password hashes take memory by design: so many are computed at a time, the others wait.
static HASHING: Semaphore = Semaphore::const_new(4);

/// Somebody's wish to log in.
#[derive(Debug)]
pub struct Attempt {
    /// The name of the user.
    pub username: String,
    /// The password.
    pub password: String,
    /// The domain.
    pub home: Home,
    /// From where.
    pub origin: Origin,
}

/// A session that was just made. The texts are secrets.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who is logged in.
    pub caller: Caller,
    /// First and last name.
    pub names: (String, String),
    /// Time zone.
    pub timezone: Option<String>,
    /// What the cookie of the session holds.
    pub cookie: String,
    /// The key that each request must send along.
    pub key: String,
}

/// A session that a request belongs to.
#[derive(Debug)]
pub struct Session {
    /// Who is logged in.
    pub caller: Arc<Caller>,
    /// What the calls are measured by.
    pub pass: Pass,
    key_hash: String,
}

impl Session {
    /// Whether this is the session's key.
    pub fn is_key(&self, key: &str) -> bool {
        secret::is_same(&self.key_hash, &secret::digest(key))
    }
}

impl Kernel {
    /// Makes a session of a right password, for an account that may call from there. Error: [`Error::LoginRefused`], which
    /// does not tell whether the password was right.
    pub async fn log_in(&self, attempt: Attempt) -> Result<LoggedIn> {
        let Attempt { username, password, home, origin } = attempt;
        let (name, place) = (username.clone(), home.clone());
        let db = &self.wiring().db;
        let (found, path) = db.read(move |conn| session::candidate(conn, &name, &place)).await?;
        let found = verified(found, password).await?;
        let Some(path) = path else {
            return Err(Error::LoginRefused(match home {
                Home::Path(path) => format!("Unable to find the domain from the path {path}"),
                Home::Id(_) => wrong(&username, &home, None),
            }));
        };
        let refused = || Error::LoginRefused(wrong(&username, &home, Some(&path)));
        let found = found.ok_or_else(refused)?;
        let pass = self.pass(found.standing.clone()).await?;
        let source = pass.source(&origin);
        if !pass.takes(&origin) {
            tracing::info!(username, ?source, "the account may not log in from there");
            return Err(refused());
        }
        if !found.may_act() {
            return Err(Error::LoginRefused(format!(
                "User {username} (or their account) in domain {path} is disabled/locked. Please contact the administrator."
            )));
        }
        let made = self.begin(found, source).await?;
        made.ok_or_else(refused)
    }

    /// The session that a cookie names. One statement, and rarely one transaction more that notes the use.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>> {
        let id = secret::digest(cookie);
        let (key, idle) = (id.clone(), self.wiring().settings.sessions.idle_seconds);
        let db = &self.wiring().db;
        let found = db.read(move |conn| session::find(conn, &key, idle)).await?;
        let Some(found) = found else { return Ok(None) };
        if found.is_stale {
            db.txn("use session", move |tx| session::touch(tx, &id)).await?;
        }
        let pass = self.pass(found.standing).await?;
        let caller = self.with_rules(found.caller).await?;
        Ok(Some(Session { caller, pass, key_hash: found.key_hash }))
    }

    /// Ends the session that a cookie names, if there is one.
    pub async fn log_out(&self, cookie: &str) -> Result<()> {
        let id = secret::digest(cookie);
        self.wiring().db.txn("log out", move |tx| session::end(tx, &id)).await
    }

    async fn begin(&self, found: Candidate, peer: Option<IpAddr>) -> Result<Option<LoggedIn>> {
        let (cookie, key) = (cookie()?, secret::random_text(20)?);
        let new = session::New {
            id: secret::digest(&cookie),
            key_hash: secret::digest(&key),
            password_hash: found.password_hash.clone(),
        };
        let (names, timezone) = (found.names.clone(), found.timezone.clone());
        let caller = Arc::new(found.into_caller());
        let (who, idle) = (Arc::clone(&caller), self.wiring().settings.sessions.idle_seconds);
        let text = match peer {
            Some(peer) => format!("user has logged in from IP Address {peer}"),
            None => "user has logged in".to_owned(),
        };
        let made = move |tx: &mut crate::store::Tx<'_>| {
            if !session::start(tx, who.user, &new, idle)? {
                return Ok(false);
            }
            let subject = Some((Kind::User, who.user.uuid()));
            let event = crate::store::event::New::done(LOGIN, &text, subject);
            crate::store::event::record(tx, &who, &event)?;
            Ok(true)
        };
        let is_made = self.wiring().db.txn("log in", made).await?;
        let caller = Arc::unwrap_or_clone(caller);
        Ok(is_made.then_some(LoggedIn { caller, names, timezone, cookie, key }))
    }

    /// This server, for the answer to a root admin.
    pub fn server(&self) -> Id<id::Server> {
        self.wiring().server
    }
}

/// The domain that somebody wants to log in to: by id if there is one, else by path; nothing is ROOT.
pub fn home(id: Option<&str>, path: &str) -> Result<Home> {
    match (id, path.trim_matches('/')) {
        (Some("1"), _) => Ok(Home::Id(ROOT_DOMAIN)),
        (Some(id), _) => id.parse().map(Home::Id).map_err(|_| Error::BadDomainId),
        (None, "") => Ok(Home::Path("/".to_owned())),
        (None, path) => Ok(Home::Path(format!("/{path}/"))),
    }
}

/// A new name of a session, as the real server writes them.
pub fn cookie() -> Result<String> {
    Ok(format!("node0{}", secret::random_text(32)?))
}

/// The candidate, if the password is right; takes as long when there is none.
async fn verified(found: Option<Candidate>, password: String) -> Result<Option<Candidate>> {
    let permit = HASHING.acquire().await.map_err(|error| Error::Internal(Box::new(error)))?;
    let work = move || {
        let hash = found.as_ref().map(|found| found.password_hash.as_str());
        secret::is_password_of(&password, hash).then_some(found).flatten()
    };
    let outcome = tokio::task::spawn_blocking(work).await;
    drop(permit);
    outcome.map_err(|error| Error::Internal(Box::new(error)))
}

/// CloudStack prints the number of the domain; ours have none but ROOT, so the caller's own word for it is repeated.
fn wrong(username: &str, home: &Home, path: Option<&str>) -> String {
    let domain = match (path, home) {
        (Some("/"), _) => "1".to_owned(),
        (_, Home::Id(id)) => id.to_string(),
        (_, Home::Path(path)) => path.clone(),
    };
    format!(
        "Failed to authenticate user {username} in domain {domain}; please provide valid credentials"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_written_in_many_ways() {
        let path = |text: &str| match home(None, text) {
            Ok(Home::Path(path)) => path,
            other => panic!("{other:?}"),
        };
        for root in ["", "/", "//"] {
            assert_eq!(path(root), "/");
        }
        for below in ["a/b", "/a/b", "a/b/", "/a/b/"] {
            assert_eq!(path(below), "/a/b/");
        }
        assert!(matches!(home(Some("1"), "/x"), Ok(Home::Id(id)) if id == ROOT_DOMAIN));
        assert_eq!(home(Some("x"), "/").unwrap_err().code(), 401);
    }
}
