//! One request as the dialect sees it: parameters, cookies, how and from where it came.

use super::intake::Params;
use crate::command::Origin;
use chrono::{DateTime, Utc};

/// The cookie that names a session.
pub const SESSION_COOKIE: &str = "JSESSIONID";

/// The cookie, and the parameter, that hold the key of a session.
pub const KEY: &str = "sessionkey";

/// What follows the name of a session in its cookie.
pub(super) const NODE: &str = ".node0";

/// A request.
#[derive(Debug)]
pub struct Visit {
    /// The parameters of the query and the form.
    pub params: Params,
    /// The cookies, in the order of the request.
    pub cookies: Vec<(String, String)>,
    /// Whether it was sent by POST.
    pub is_post: bool,
    /// Where it came from, and what its headers say of that.
    pub origin: Origin,
    /// When it arrived.
    pub now: DateTime<Utc>,
}

impl Visit {
    /// What the cookie of a session holds, without the node behind it.
    pub fn session(&self) -> Option<&str> {
        let name = self.cookies(SESSION_COOKIE).next()?;
        name.split('.').next().filter(|name| !name.is_empty() && name.is_ascii())
    }

    /// The values of all cookies of this name: a browser sends several when they were set for several paths.
    pub fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.cookies.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

/// The cookies of `Cookie` headers.
pub fn cookies<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
    });
    pairs.filter(|(name, _)| !name.is_empty()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_taken_apart() {
        let found = cookies([r#"a=1; JSESSIONID="node0x.node0""#, "sessionkey=k==;b"].into_iter());
        let visit = Visit {
            params: Vec::new(),
            cookies: found,
            is_post: false,
            origin: Origin::default(),
            now: Utc::now(),
        };
        assert_eq!(visit.session(), Some("node0x"));
        assert_eq!(visit.cookies("sessionkey").collect::<Vec<_>>(), ["k=="]);
        assert_eq!(visit.cookies.len(), 3);
    }
}
