//! Everything that can go wrong, in the words the caller may read.
//!
//! One enum for all layers above the store and the hosts. It knows CloudStack's numbers (the table in section 12.3
//! of the dialect: HTTP status and `cserrorcode`) and no HTTP. `Display` is for the caller, `source()` for the log.

use std::error::Error as StdError;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401: no valid credentials.
    #[error("unable to verify user credentials and/or request signature")]
    Unauthenticated,
    /// 401: a session whose key was not sent along, or is wrong.
    #[error("unable to verify user credentials")]
    BadSession,
    /// 401: a log in to a domain whose id is none.
    #[error("Invalid domain id entered, please enter a valid one")]
    BadDomainId,
    /// 531: a log in that failed, in the words of the real server.
    #[error("{0}")]
    LoginRefused(String),
    /// 432: a session, but no command.
    #[error("Invalid request, no command sent")]
    NoCommand,
    /// 432: the caller's role may not use the command.
    #[error(
        "The API [{command}] does not exist or is not available for the account for user id [{user}]."
    )]
    Denied {
        /// The command as the caller spelled it.
        command: String,
        /// The caller's user id.
        user: String,
    },
    /// 401: a role that the caller has in a project denies it the command there.
    #[error("The given command '{0}' either does not exist, is not available for user.")]
    DeniedInProject(String),
    /// 429: the account called too often; so many milliseconds are to be waited.
    #[error("The given user has reached his/her account api limit, please retry after [{0}] ms.")]
    TooOften(u128),
    /// 432: what the command is about is switched off.
    #[error("{0}")]
    SwitchedOff(String),
    /// 432: no such command.
    #[error("Unknown API command: {0}")]
    UnknownCommand(String),
    /// 430: a map parameter's name cannot be decoded.
    #[error(
        "Unable to decode parameter {0}; if specifying an object array, please use parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup"
    )]
    BadMap(String),
    /// 431, raised while reading parameters (`cserrorcode` 9999).
    #[error("{0}")]
    Parameter(String),
    /// 431, raised by a command's own checks (`cserrorcode` 4350).
    #[error("{0}")]
    Invalid(String),
    /// 431: the thing does not exist, or the caller may not see it.
    #[error("unable to find {what} with id {id}")]
    NotFound {
        /// The noun: `host`, `GPU device`.
        what: &'static str,
        /// The id as text.
        id: String,
    },
    /// 531: the caller may see it but not do this to it.
    #[error("{0}")]
    Forbidden(String),
    /// 530/4300: somebody else changed it first, or its state does not allow this.
    #[error("{0}")]
    Conflict(String),
    /// 536: still used by something else.
    #[error("{0}")]
    InUse(String),
    /// 533/4335: no host can meet the demand.
    #[error("{0}")]
    Capacity(String),
    /// 535/4370: a limit of the account or domain.
    #[error("{0}")]
    Limit(String),
    /// 534/4380: a resource is there but cannot serve now.
    #[error("{0}")]
    Unavailable(String),
    /// 534/4285: a host does not answer.
    #[error("host {host} is unreachable: {why}")]
    Unreachable {
        /// The host's name.
        host: String,
        /// What was seen, in one line.
        why: String,
    },
    /// 503: the service takes no new work now (stopping, or its database is away).
    #[error("{0}")]
    Stopping(String),
    /// A conditional write found the row changed: `Db::txn` runs the closure again. Never leaves the store in the end.
    #[error("{0} was changed by another request at the same time, try again")]
    LostRace(&'static str),
    /// 530/4250: our fault; the caller reads one fixed sentence.
    #[error("Internal error executing command, please contact your system administrator")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// An internal error from a plain sentence for the log.
    pub fn internal(why: impl Into<String>) -> Self {
        Self::Internal(why.into().into())
    }

    /// A check of a command failed: 431 / 4350.
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    /// It is not the caller's to change, as CloudStack says it: 531.
    pub fn not_permitted() -> Self {
        Self::Forbidden(
            "Caller does not have permission to operate with provided resource.".to_owned(),
        )
    }

    /// The HTTP status, which is also `errorcode` in the body.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Unauthenticated
            | Self::BadSession
            | Self::BadDomainId
            | Self::DeniedInProject(_) => 401,
            Self::TooOften(_) => 429,
            Self::BadMap(_) => 430,
            Self::Parameter(_) | Self::Invalid(_) | Self::NotFound { .. } => 431,
            Self::Denied { .. }
            | Self::SwitchedOff(_)
            | Self::UnknownCommand(_)
            | Self::NoCommand => 432,
            Self::Stopping(_) => 503,
            Self::Conflict(_) | Self::LostRace(_) | Self::Internal(_) => 530,
            Self::Forbidden(_) | Self::LoginRefused(_) => 531,
            Self::Capacity(_) => 533,
            Self::Unavailable(_) | Self::Unreachable { .. } => 534,
            Self::Limit(_) => 535,
            Self::InUse(_) => 536,
        }
    }

    /// `cserrorcode`; absent on errors from before dispatch.
    pub const fn cs_code(&self) -> Option<u16> {
        Some(match self {
            Self::Unauthenticated
            | Self::BadSession
            | Self::BadDomainId
            | Self::LoginRefused(_) => return None,
            Self::BadMap(_)
            | Self::Parameter(_)
            | Self::Denied { .. }
            | Self::DeniedInProject(_)
            | Self::TooOften(_)
            | Self::SwitchedOff(_)
            | Self::UnknownCommand(_)
            | Self::NoCommand
            | Self::InUse(_)
            | Self::Stopping(_) => 9999,
            Self::Invalid(_) | Self::NotFound { .. } => 4350,
            Self::Conflict(_) | Self::LostRace(_) => 4300,
            Self::Internal(_) => 4250,
            Self::Forbidden(_) => 4365,
            Self::Capacity(_) => 4335,
            Self::Unavailable(_) => 4380,
            Self::Unreachable { .. } => 4285,
            Self::Limit(_) => 4370,
        })
    }
}
