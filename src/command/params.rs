//! Reading a request: CloudStack's order of checks, CloudStack's complaints.

use super::{Args, MapStyle, Param};
use crate::{
    domain::Kind,
    error::{Error, Result},
};
use uuid::Uuid;

/// A request that can be read from parameters; derived.
pub trait Params: Sized + Send + Sync + 'static {
    /// Its parameters in order.
    fn specs() -> Vec<ParamSpec>;
    /// Reads it.
    fn read(reader: &mut Reader<'_>) -> Result<Self>;
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct ParamSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// Description.
    pub about: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// The most characters of a text.
    pub max: usize,
    /// The version that brought it, when later than its command.
    pub since: Option<&'static str>,
    /// Whether only root admins may give it; ignored for others.
    pub admin: bool,
    /// How it is written when it is a map.
    pub map: Option<MapStyle>,
    /// Type name in `listApis`.
    pub kind: &'static str,
    /// What its ids name.
    pub entity: Option<Kind>,
}

/// An id in a request, to be looked up under the caller's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRef {
    /// The parameter.
    pub param: &'static str,
    /// The noun.
    pub kind: Kind,
    /// The id.
    pub id: Uuid,
    /// The word that named the noun, where another parameter did.
    pub named: Option<Named>,
}

/// A word of another parameter that says what an id is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// `resourcetype`.
    Resource(&'static str),
    /// `entitytype`.
    Entity(&'static str),
}

impl Named {
    /// That there is no such thing, or that it is somebody else's, in the words of commands that take such a parameter.
    pub fn unknown(self, id: &str) -> Error {
        Error::Invalid(match self {
            Self::Resource(kind) => {
                format!("Unable to find resource by uuid {id} and type {kind}")
            }
            Self::Entity(kind) => {
                format!("Could not find an entity with type: {kind} and ID: {id}")
            }
        })
    }
}

impl IdRef {
    /// That there is no such thing, or that it is somebody else's.
    pub fn unknown(&self, command: &str) -> Error {
        match self.named {
            None => unknown_id(command, self.param, &self.id.to_string()),
            Some(named) => named.unknown(&self.id.to_string()),
        }
    }
}

/// Reads the parameters of one request.
#[derive(Debug)]
pub struct Reader<'a> {
    command: String,
    args: &'a Args,
    is_admin: bool,
    ids: Vec<IdRef>,
}

impl<'a> Reader<'a> {
    /// A reader for a command's parameters.
    pub fn new(command: &str, args: &'a Args, is_admin: bool) -> Self {
        Self { command: command.to_lowercase(), args, is_admin, ids: Vec::new() }
    }

    /// All ids read so far, in order.
    pub fn ids(&self) -> &[IdRef] {
        &self.ids
    }

    /// The parameters as text.
    pub fn args(&self) -> &Args {
        self.args
    }

    /// Reads one parameter.
    pub fn read<P: Param>(&mut self, spec: &ParamSpec) -> Result<P> {
        if spec.admin && !self.is_admin {
            return P::absent(self, spec);
        }
        P::read(self, spec)
    }

    /// The parameter's text: `None` when absent; an empty mandatory one is refused.
    pub fn text(&self, spec: &ParamSpec) -> Result<Option<&'a str>> {
        match self.args.get(spec.name) {
            None if spec.required => Err(self.missing(spec)),
            Some("") if spec.required => {
                Err(Error::Invalid(format!("Invalid value provided for API arg: {}", spec.name)))
            }
            other => Ok(other),
        }
    }

    /// Remembers an id for the look-up.
    pub fn note(&mut self, spec: &ParamSpec, kind: Kind, id: Uuid) {
        self.ids.push(IdRef { param: spec.name, kind, id, named: None });
    }

    /// Remembers an id whose noun another parameter names.
    pub fn note_named(&mut self, param: &'static str, (kind, named): (Kind, Named), id: Uuid) {
        self.ids.push(IdRef { param, kind, id, named: Some(named) });
    }

    /// "due to missing parameter".
    pub fn missing(&self, spec: &ParamSpec) -> Error {
        Error::Parameter(format!(
            "Unable to execute API command {} due to missing parameter {}",
            self.command, spec.name
        ))
    }

    /// A number, date or choice that does not parse.
    pub fn bad(&self, spec: &ParamSpec, value: &str) -> Error {
        Error::Parameter(format!(
            "Unable to execute API command {} due to invalid value {value} for parameter {}",
            self.command, spec.name
        ))
    }

    /// A date that does not parse.
    pub fn bad_date(&self, value: &str) -> Error {
        Error::Parameter(format!(
            "Unable to parse date {value} for command {}, please pass dates in the format mentioned in the api documentation",
            self.command
        ))
    }

    /// A text that is too long.
    pub fn too_long(&self, spec: &ParamSpec) -> Error {
        Error::Parameter(format!(
            "Unable to execute API command {} due to invalid value. Value greater than max allowed length {} for param: {}",
            self.command, spec.max, spec.name
        ))
    }

    /// A map parameter given as plain text.
    pub fn not_a_map(&self, spec: &ParamSpec) -> Error {
        Error::Parameter(format!(
            "Unable to execute API command {} due to invalid value. Invalid value provided for API arg: {}",
            self.command, spec.name
        ))
    }

    /// An id that is malformed, unknown or somebody else's: one answer for all three.
    pub fn unknown_id(&self, param: &str, value: &str) -> Error {
        unknown_id(&self.command, param, value)
    }
}

/// The one answer for a malformed, unknown or foreign id; clients recognise it by its words.
pub fn unknown_id(command: &str, param: &str, value: &str) -> Error {
    Error::Parameter(format!(
        "Unable to execute API command {} due to invalid value. Invalid parameter {param} value={value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.",
        command.to_lowercase()
    ))
}
