//! What went wrong on a host, decided once: it is away, it said no, or the thing was not there.

use crate::error::Error;
use virt::error::{ErrorDomain, ErrorNumber};

/// Why a closure on a line failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// libvirt's own words.
    Virt(virt::error::Error),
    /// The host, or we in its name, said no.
    Refused(String),
    /// There is no connection, or there is none any more.
    Away(String),
    /// A document that cannot be understood: our fault or a libvirt we do not know.
    Strange(String),
}

impl From<virt::error::Error> for Fault {
    fn from(error: virt::error::Error) -> Self {
        Self::Virt(error)
    }
}

impl Fault {
    /// What the caller of a verb gets. `alive`: whether the connection still is.
    pub(super) fn for_host(self, host: &str, alive: bool) -> Error {
        let away = |why| Error::Unreachable { host: host.to_owned(), why };
        match self {
            Self::Virt(error) if !alive || lost(&error) => away(one_line(error.message())),
            Self::Virt(error) => {
                Error::Unavailable(format!("host {host} refused: {}", one_line(error.message())))
            }
            Self::Refused(why) => Error::Unavailable(format!("host {host} refused: {why}")),
            Self::Away(why) => away(why),
            Self::Strange(why) => Error::internal(format!("host {host}: {why}")),
        }
    }
}

/// Whether an error of libvirt has this code. Its text is never looked at: it is translated and changes.
pub(super) fn is(error: &virt::error::Error, number: ErrorNumber) -> bool {
    error.code() == number.into()
}

/// Whether the driver behind the connection cannot do this at all (the test driver often).
pub(super) fn unsupported(error: &virt::error::Error) -> bool {
    is(error, ErrorNumber::NoSupport) || is(error, ErrorNumber::OperationUnsupported)
}

/// Errors of the line itself: the remote procedure call did not get through.
fn lost(error: &virt::error::Error) -> bool {
    let on_the_line = error.domain() == ErrorDomain::Rpc.into();
    let broken = [ErrorNumber::SystemError, ErrorNumber::InternalError, ErrorNumber::Rpc];
    is(error, ErrorNumber::NoConnect)
        || (on_the_line && broken.into_iter().any(|number| is(error, number)))
}

/// `Ok` when the error only says that the thing is not there.
pub(super) fn unless_missing<T>(
    result: Result<T, virt::error::Error>,
    number: ErrorNumber,
) -> Result<Option<T>, Fault> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is(&error, number) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The host's words on one line, of bounded length.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(400).collect()
}
