//! The one place where a Rust type meets its text: ids, numbers, booleans, dates, lists, maps.

use super::{ParamSpec, Reader};
use crate::{
    domain::{Entity, Id, Kind},
    error::Result,
};
use std::collections::BTreeMap;

/// A value that one text stands for.
pub trait Wire: Sized {
    /// Type name in `listApis`.
    const KIND: &'static str;
    /// What it names, when it is an id.
    const ENTITY: Option<Kind> = None;
    /// Whether blank text counts as absent.
    const BLANK_IS_ABSENT: bool = false;
    /// Reads it.
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self>;
}

/// The type of a request's field: a value, an optional value, a list, a map.
pub trait Param: Sized {
    /// Type name in `listApis`.
    const KIND: &'static str;
    /// What its ids name.
    const ENTITY: Option<Kind>;
    /// Reads it, complaining when it is required and absent.
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self>;
    /// Its value when it is not given.
    fn absent(reader: &Reader<'_>, spec: &ParamSpec) -> Result<Self>;
}

impl<T: Wire> Param for Option<T> {
    const KIND: &'static str = T::KIND;
    const ENTITY: Option<Kind> = T::ENTITY;
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self> {
        match reader.text(spec)? {
            None => Ok(None),
            Some(text) if T::BLANK_IS_ABSENT && text.trim().is_empty() => Ok(None),
            Some(text) => T::read(reader, spec, text).map(Some),
        }
    }
    fn absent(_: &Reader<'_>, _: &ParamSpec) -> Result<Self> {
        Ok(None)
    }
}

/// Fields that must be given.
macro_rules! required {
    ($($ty:ty),*) => { $(
        impl Param for $ty {
            const KIND: &'static str = <$ty as Wire>::KIND;
            const ENTITY: Option<Kind> = <$ty as Wire>::ENTITY;
            fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self> {
                match reader.text(spec)? {
                    Some(text) => <$ty as Wire>::read(reader, spec, text),
                    None => Err(reader.missing(spec)),
                }
            }
            fn absent(reader: &Reader<'_>, spec: &ParamSpec) -> Result<Self> { Err(reader.missing(spec)) }
        }
    )* };
}
required!(String, bool, i16, i32, i64, f64, super::When);

impl<T: Entity> Param for Id<T> {
    const KIND: &'static str = "uuid";
    const ENTITY: Option<Kind> = Some(T::KIND);
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self> {
        match reader.text(spec)? {
            Some(text) => Wire::read(reader, spec, text),
            None => Err(reader.missing(spec)),
        }
    }
    fn absent(reader: &Reader<'_>, spec: &ParamSpec) -> Result<Self> {
        Err(reader.missing(spec))
    }
}

impl<T: Wire> Param for Vec<T> {
    const KIND: &'static str = "list";
    const ENTITY: Option<Kind> = T::ENTITY;
    /// Split at commas, empty items dropped, items not trimmed.
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self> {
        let Some(text) = reader.text(spec)? else { return Ok(Self::new()) };
        text.split(',')
            .filter(|item| !item.is_empty())
            .map(|item| T::read(reader, spec, item))
            .collect()
    }
    fn absent(_: &Reader<'_>, _: &ParamSpec) -> Result<Self> {
        Ok(Self::new())
    }
}

impl Param for BTreeMap<String, String> {
    const KIND: &'static str = "map";
    const ENTITY: Option<Kind> = None;
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self> {
        if reader.args().get(spec.name).is_some() {
            return Err(reader.not_a_map(spec));
        }
        let map = reader.args().map(spec.name, spec.map.unwrap_or(super::MapStyle::Merge));
        if map.is_empty() && spec.required { Err(reader.missing(spec)) } else { Ok(map) }
    }
    fn absent(_: &Reader<'_>, _: &ParamSpec) -> Result<Self> {
        Ok(Self::new())
    }
}

impl Param for Vec<BTreeMap<String, String>> {
    const KIND: &'static str = "map";
    const ENTITY: Option<Kind> = None;
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec) -> Result<Self> {
        if reader.args().get(spec.name).is_some() {
            return Err(reader.not_a_map(spec));
        }
        let records = reader.args().records(spec.name);
        if records.is_empty() && spec.required { Err(reader.missing(spec)) } else { Ok(records) }
    }
    fn absent(_: &Reader<'_>, _: &ParamSpec) -> Result<Self> {
        Ok(Self::new())
    }
}

impl Wire for String {
    const KIND: &'static str = "string";
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
        if text.chars().count() > spec.max {
            Err(reader.too_long(spec))
        } else {
            Ok(text.to_owned())
        }
    }
}

impl Wire for bool {
    const KIND: &'static str = "boolean";
    /// `true` in any case is true, everything else is false.
    fn read(_: &mut Reader<'_>, _: &ParamSpec, text: &str) -> Result<Self> {
        Ok(text.eq_ignore_ascii_case("true"))
    }
}

macro_rules! numbers {
    ($($ty:ty, $kind:literal, $blank:literal);*) => { $(
        impl Wire for $ty {
            const KIND: &'static str = $kind;
            const BLANK_IS_ABSENT: bool = $blank;
            fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
                text.trim().parse().map_err(|_| reader.bad(spec, text))
            }
        }
    )* };
}
numbers!(i16, "short", true; i32, "integer", true; i64, "long", false);

impl Wire for f64 {
    const KIND: &'static str = "double";
    const BLANK_IS_ABSENT: bool = true;
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
        match text.trim().parse::<Self>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(reader.bad(spec, text)),
        }
    }
}

impl<T: Entity> Wire for Id<T> {
    const KIND: &'static str = "uuid";
    const ENTITY: Option<Kind> = Some(T::KIND);
    /// The shape is checked here; existence and scope in one query for the whole request, by the dispatcher.
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
        let id: Self = text.parse().map_err(|_| reader.unknown_id(spec.name, text))?;
        reader.note(spec, T::KIND, id.uuid());
        Ok(id)
    }
}
