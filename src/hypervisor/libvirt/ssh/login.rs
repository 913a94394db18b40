//! `qemu+ssh://user@host:port/system`, read once and strictly.

use crate::error::{Error, Result};

/// Who and where: nothing in it can be taken for an option or a shell word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user on the host.
    pub user: String,
    /// Name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    /// The port of sshd.
    pub port: u16,
    /// The socket of a libvirtd that is not at the usual place.
    pub(super) socket: Option<String>,
}

impl Login {
    /// Reads a URI. The user is `root` and the port 22 unless given.
    ///
    /// # Errors
    /// `Invalid` names what is wrong.
    pub fn parse(uri: &str) -> Result<Self> {
        let bad = |why: &str| {
            Error::invalid(format!(
                "{uri} is no host address ({why}): qemu+ssh://user@host:port/system"
            ))
        };
        let rest = uri.strip_prefix("qemu+ssh://").ok_or_else(|| bad("not over ssh"))?;
        let (authority, path) = rest.split_once('/').ok_or_else(|| bad("no /system"))?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path != "system" {
            return Err(bad("no /system"));
        }
        let (user, place) = authority.rsplit_once('@').unwrap_or(("root", authority));
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = match port {
            None => 22,
            Some(port) => port.parse().ok().filter(|p| *p > 0).ok_or_else(|| bad("bad port"))?,
        };
        let socket = match query.strip_prefix("socket=") {
            _ if query.is_empty() => None,
            Some(path) if path.starts_with('/') && plain(path, "/._-") => Some(path.to_owned()),
            _ => return Err(bad("only socket=/path may follow")),
        };
        if !plain(user, "._-") || user.starts_with('-') {
            return Err(bad("bad user"));
        }
        if !plain(host, ".-:_") || host.starts_with('-') {
            return Err(bad("bad host"));
        }
        Ok(Self { user: user.to_owned(), host: host.to_owned(), port, socket })
    }

    /// The host as a URI or `ssh` names it: IPv6 in brackets.
    pub(super) fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// Letters, digits and these signs only, and not empty.
pub(super) fn plain(text: &str, also: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_odd_is_refused() {
        let login = Login::parse("qemu+ssh://gpu-1.example/system").unwrap();
        assert_eq!((login.user.as_str(), login.port), ("root", 22));
        let six = Login::parse("qemu+ssh://op@[fe80::1]:2201/system?socket=/run/x.sock").unwrap();
        assert_eq!((six.bracketed().as_str(), six.port), ("[fe80::1]", 2201));
        for uri in [
            "qemu+ssh://-oProxyCommand=x/system",
            "qemu+ssh://a@-x/system",
            "qemu+ssh://a b@h/system",
            "qemu+ssh://h:0/system",
            "qemu+ssh://h/system?command=/bin/sh",
            "qemu+ssh://h/session",
            "qemu+tcp://h/system",
            "qemu+ssh:///system",
        ] {
            assert!(Login::parse(uri).is_err(), "{uri}");
        }
    }
}
