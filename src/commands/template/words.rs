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
