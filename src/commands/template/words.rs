//! Words of template requests that no other request has.

use crate::{
    command::{ParamSpec, Reader, Wire},
    domain::{Entity, Id, Kind, id},
    error::{Error, Result},
    store::template::Wanted,
};

/// A zone, or `-1` for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnyZone {
    /// All zones, those to come too.
    All,
    /// One zone.
    One(Id<id::Zone>),
}

impl Wire for AnyZone {
    const KIND: &'static str = "uuid";
    const ENTITY: Option<Kind> = Some(<id::Zone as Entity>::KIND);
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
        match text {
            "-1" => Ok(Self::All),
            text => Id::read(reader, spec, text).map(Self::One),
        }
    }
}

/// CloudStack's template filters.
pub(super) fn filter(text: &str) -> Result<Wanted> {
    let words = [
        ("featured", Wanted::Featured),
        ("self", Wanted::Own),
        ("selfexecutable", Wanted::OwnReady),
        ("shared", Wanted::Shared),
        ("sharedexecutable", Wanted::Shared),
        ("executable", Wanted::Executable),
        ("community", Wanted::Community),
        ("all", Wanted::All),
    ];
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, wanted)| *wanted).ok_or_else(|| {
        Error::Invalid(format!(
            "templatefilter {text} is none of featured, self, selfexecutable, sharedexecutable, executable, community, all"
        ))
    })
}

/// A URL as it may be told: without the password in it.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match place.rsplit_once('@').and_then(|(login, host)| Some((login.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{scheme}://{user}:***@{host}{path}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod url_tests {
    use super::*;

    #[test]
    fn only_the_password_is_left_out() {
        for (url, told) in [
            ("http://joe:secret@host:81/x?y=a:b@c", "http://joe:***@host:81/x?y=a:b@c"),
            ("http://joe:se@cret@host", "http://joe:***@host"),
            ("http://joe@host/x", "http://joe@host/x"),
            ("http://host/x@y:z", "http://host/x@y:z"),
            ("file:///x", "file:///x"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_password(url), told);
        }
    }
}
