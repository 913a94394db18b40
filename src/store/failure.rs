//! What a database error means: try again, gone, full, a duplicate, or ours.
//!
//! The driver hands out a kind for few errors and no number, so the server's own words decide; connections ask for
//! them in English.

use crate::error::Error;
use diesel::result::{DatabaseErrorKind as Kind, Error as Diesel};

/// What to do about an error of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Deadlock, lock wait or certification failure: the same again may succeed.
    Collision,
    /// The connection is of no use any more.
    Lost,
    /// There is no room for more data.
    Full,
    /// This server only reads.
    ReadOnly,
    /// A unique key has this value already.
    Duplicate,
    /// A value is more than its column holds.
    TooMuch,
    /// A mistake of ours, or one nobody foresaw.
    Other,
}

/// Words that say that the connection is gone or that its server is not serving.
const LOST: &[&str] = &[
    "gone away",
    "lost connection",
    "connection was killed",
    "shutdown in progress",
    "disconnected by the server",
    "communication packets",
    "commands out of sync",
    "malformed packet",
    "can't connect to",
    "has not yet prepared node",
];
/// Words that say that the transaction lost against another one and was, or must be, rolled back.
const COLLISION: &[&str] = &[
    "try restarting",
    "retry transaction",
    "record has changed since last read",
    "instructed the server to rollback",
    "in a read only transaction",
];
/// Words that say that there is no room.
const FULL: &[&str] =
    &["no space left", "disk full", "errno: 28", "error 28", "errcode: 28", "' is full"];

/// Reads an error of the database.
pub(super) fn meaning(error: &Diesel) -> Meaning {
    let Diesel::DatabaseError(kind, info) = error else {
        return Meaning::Other;
    };
    match kind {
        Kind::UniqueViolation => return Meaning::Duplicate,
        // a write outside any transaction is one whose transaction the server has rolled back
        Kind::SerializationFailure | Kind::ReadOnlyTransaction => return Meaning::Collision,
        Kind::ClosedConnection | Kind::UnableToSendCommand => return Meaning::Lost,
        Kind::ForeignKeyViolation | Kind::NotNullViolation | Kind::CheckViolation => {
            return Meaning::Other;
        }
        _ => {}
    }
    let text = info.message().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // a duplicate quotes the value, which may say anything: it comes first
    if text.starts_with("duplicate entry") {
        Meaning::Duplicate
    } else if too_much(info.message()).is_some() {
        Meaning::TooMuch
    } else if says(COLLISION) {
        Meaning::Collision
    } else if says(LOST) {
        Meaning::Lost
    } else if says(FULL) {
        Meaning::Full
    } else if says(&["read-only option", "read only mode"]) {
        Meaning::ReadOnly
    } else {
        Meaning::Other
    }
}

/// The column that a value does not fit into, as requests call it.
fn too_much(text: &str) -> Option<String> {
    let rest = ["Data too long for column '", "Out of range value for column '"]
        .into_iter()
        .find_map(|begin| text.strip_prefix(begin))?;
    rest.split_once('\'').map(|(column, _)| column.replace('_', ""))
}

/// The database error inside one of ours, if it is one.
pub(super) fn inside(error: &Error) -> Option<&Diesel> {
    match error {
        Error::Internal(source) => source.downcast_ref(),
        _ => None,
    }
}

/// Whether a unique key refused the row; ask inside the transaction, where the function that wrote the row knows what
/// to call it. What nobody asked about leaves [`super::Db::txn`] as a plain conflict.
pub fn is_duplicate(error: &Error) -> bool {
    inside(error).is_some_and(|error| meaning(error) == Meaning::Duplicate)
}

/// The error as the layers above read it.
pub(super) fn settle(error: Error) -> Error {
    if let Error::LostRace(_) = error {
        return Error::Conflict(error.to_string());
    }
    let Some(cause) = inside(&error) else {
        return error;
    };
    match meaning(cause) {
        Meaning::Other => error,
        Meaning::Duplicate => {
            tracing::info!(%cause, "a unique key refused a row");
            Error::Conflict("the same exists already".to_owned())
        }
        Meaning::TooMuch => {
            tracing::warn!(%cause, "a value was refused");
            let column = too_much(&cause.to_string()).unwrap_or_default();
            Error::Invalid(format!("the value for {column} is longer or larger than can be kept"))
        }
        Meaning::Collision => Error::Conflict(
            "too many requests change the same things at the same time, try again".to_owned(),
        ),
        Meaning::Lost => away(cause),
        Meaning::Full => {
            tracing::error!(%cause, "the database's disk is full");
            Error::Stopping(
                "the database has no room for more data: free space on its disk, then try again"
                    .to_owned(),
            )
        }
        Meaning::ReadOnly => {
            tracing::error!(%cause, "the database refuses writes");
            Error::Stopping("the database only reads at the moment, try again later".to_owned())
        }
    }
}

/// The database cannot be reached; the log says why, the caller only what it can act on.
pub(super) fn away(cause: &dyn std::fmt::Display) -> Error {
    let text = cause.to_string();
    tracing::error!(cause = text, "the database does not answer");
    let lower = text.to_ascii_lowercase();
    let why = if lower.contains("too many connections") {
        "it has too many connections"
    } else if lower.contains("access denied") {
        "it refuses the service's user or password"
    } else if lower.contains("unknown database") {
        "it has no such database"
    } else if lower.contains("not yet prepared") {
        "its node is not part of the cluster"
    } else {
        "the connection failed"
    };
    Error::Stopping(format!("the database does not answer: {why}"))
}

/// The node that answers does not know what its cluster knows; it may soon, and another one may already.
pub(super) fn behind(cause: &Error) -> Error {
    let cause = inside(cause).map(ToString::to_string);
    tracing::error!(cause, "the database's node is behind its cluster");
    Error::Stopping("the database does not answer: its node is behind its cluster".to_owned())
}

/// The connection went away while the change was being committed: nobody here can know whether it was made.
pub(super) fn unknown_outcome(cause: &Diesel) -> Error {
    tracing::error!(%cause, "the connection was lost during a commit");
    Error::Stopping(
        "the database did not answer while the change was being saved: it may or may not have been made, look before trying again"
            .to_owned(),
    )
}

impl From<Diesel> for Error {
    /// Keeps the cause, for [`is_duplicate`], for the retries and for the log; the caller reads one fixed sentence. A
    /// function that expects its row to be absent asks with `.optional()`.
    fn from(error: Diesel) -> Self {
        Self::Internal(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Meaning {
        meaning(&Diesel::DatabaseError(Kind::Unknown, Box::new(text.to_owned())))
    }

    #[test]
    fn the_servers_words_are_understood() {
        for (text, want) in [
            ("Lock wait timeout exceeded; try restarting transaction", Meaning::Collision),
            (
                "WSREP detected deadlock/conflict and aborted the transaction. Try restarting the transaction",
                Meaning::Collision,
            ),
            ("Table definition has changed, please retry transaction", Meaning::Collision),
            ("MySQL server has gone away", Meaning::Lost),
            ("Lost connection to server during query", Meaning::Lost),
            ("Connection was killed", Meaning::Lost),
            ("WSREP has not yet prepared node for application use", Meaning::Lost),
            ("The table 'event' is full", Meaning::Full),
            ("Got error 28 \"No space left on device\" from storage engine InnoDB", Meaning::Full),
            ("Duplicate entry 'server has gone away' for key 'name'", Meaning::Duplicate),
            ("Data too long for column 'timezone' at row 1", Meaning::TooMuch),
            ("Out of range value for column 'size' at row 2", Meaning::TooMuch),
            ("Table 'x.y' doesn't exist", Meaning::Other),
        ] {
            assert_eq!(said(text), want, "{text}");
        }
    }
}
