//! Parameters of CloudStack's commands that csgpu does not follow, and says so.
//!
//! `listApis` describes them: the forms of the web UI are drawn from these descriptions and stay blank without. A `refused`
//! one asks for what there is none of here, such as a data disk: who asks for it is told, instead of being given something
//! else without a word. An `unused` one is a hint that changes nothing anybody could miss; it is taken.

use super::{ParamSpec, Reader, Wire};
use crate::error::{Error, Result};

/// What asks for nothing: also what forms send when nothing was chosen.
const NOTHING: &[&str] = &["", "false", "0", "-1", "none", "inherit"];

/// A parameter that is not followed.
pub const fn unmet(name: &'static str, kind: &'static str, about: &'static str) -> ParamSpec {
    ParamSpec {
        name,
        about,
        required: false,
        max: 255,
        since: None,
        admin: false,
        map: None,
        kind,
        entity: None,
    }
}

/// Complains of one that asks for something. Its value is not repeated: it may be a password.
pub fn refuse(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<()> {
    match asks(reader, spec)? {
        false => Ok(()),
        true => Err(Error::Invalid(format!("{} cannot be had here: {}", spec.name, spec.about))),
    }
}

/// Whether it asks for anything. Error: it is malformed.
fn asks(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<bool> {
    if spec.kind == "map" {
        return match reader.args().get(spec.name) {
            Some(_) => Err(reader.not_a_map(spec)),
            None => Ok(!reader.args().records(spec.name).is_empty()),
        };
    }
    let Some(text) = reader.text(spec)? else { return Ok(false) };
    let word = text.trim().to_ascii_lowercase();
    if NOTHING.contains(&word.as_str()) {
        return Ok(false);
    }
    match spec.kind {
        "boolean" => Ok(word == "true"),
        "integer" | "long" => i64::read(reader, spec, text).map(|_| true),
        _ => String::read(reader, spec, text).map(|_| true),
    }
}

/// A group of parameters that are not followed: `refused` or `unused`, name, type, description.
macro_rules! not_here {
    ($(#[$about:meta])* $name:ident { $($how:ident $param:literal $kind:ident $text:literal;)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name;
        impl crate::command::Params for $name {
            fn specs() -> Vec<crate::command::ParamSpec> {
                vec![$(crate::command::unmet::unmet($param, stringify!($kind), $text)),*]
            }
            fn read(reader: &mut crate::command::Reader<'_>) -> crate::error::Result<Self> {
                $(crate::command::unmet::not_here!(@ $how reader, crate::command::unmet::unmet($param, stringify!($kind), $text));)*
                Ok(Self)
            }
        }
    };
    (@ refused $reader:ident, $spec:expr) => { crate::command::unmet::refuse($reader, &$spec)? };
    (@ unused $reader:ident, $spec:expr) => { crate::command::unmet::take($reader, &$spec)? };
}
pub(crate) use not_here;

/// Complains of one that is malformed.
pub fn take(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<()> {
    asks(reader, spec).map(|_| ())
}
