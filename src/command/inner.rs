//! Ids of things that exist within another one only, as roles exist in a project.

use super::{Param, ParamSpec, Reader, Wire};
use crate::{
    domain::{Id, Kind},
    error::Result,
};

/// An id that the kernel does not look up: the command finds it in what else the request names, or refuses it with
/// [`super::unknown_id`].
#[derive(Debug)]
pub struct Inner<T>(pub Id<T>);

impl<T> Clone for Inner<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Inner<T> {}

impl<T> Wire for Inner<T> {
    const KIND: &'static str = "uuid";
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| reader.unknown_id(spec.name, text))
    }
}

impl<T> Param for Inner<T> {
    const KIND: &'static str = "uuid";
    const ENTITY: Option<Kind> = None;
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
