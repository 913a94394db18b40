//! Writing an answer: views, their fields, and what others than root admins do not see.

use crate::domain::{Id, Time};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// An object of an answer; derived.
pub trait View: Output {
    /// The key on the wire: `gpudevice`.
    const OBJECT: &'static str;
    /// Its fields in order.
    fn fields() -> Vec<FieldSpec>;
}

/// One field of a view.
#[derive(Debug, Clone)]
pub struct FieldSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// Description.
    pub about: &'static str,
    /// Whether only root admins see it.
    pub admin: bool,
    /// Type name in `listApis`.
    pub kind: &'static str,
    /// The fields of the object inside.
    pub nested: Vec<FieldSpec>,
}

/// A value of an answer.
pub trait Output: Serialize {
    /// Type name in `listApis`.
    const KIND: &'static str;
    /// Absent values leave no field.
    fn is_shown(&self) -> bool {
        true
    }
    /// The fields inside.
    fn nested() -> Vec<FieldSpec> {
        Vec::new()
    }
    /// Removes what only root admins may see.
    fn restrict(&mut self) {}
}

macro_rules! outputs { ($($ty:ty => $kind:literal),*) => { $(impl Output for $ty { const KIND: &'static str = $kind; })* }; }
outputs!(String => "string", &'static str => "string", bool => "boolean", i16 => "short", i32 => "integer", u32 => "integer",
    i64 => "long", u64 => "long", f64 => "double", BTreeMap<String, String> => "map", Date => "date",
    serde_json::Value => "object");

impl<T> Output for Id<T> {
    const KIND: &'static str = "string";
}

impl<T: Output> Output for Option<T> {
    const KIND: &'static str = T::KIND;
    fn is_shown(&self) -> bool {
        self.is_some()
    }
    fn nested() -> Vec<FieldSpec> {
        T::nested()
    }
    fn restrict(&mut self) {
        if let Some(value) = self {
            value.restrict();
        }
    }
}

impl<T: Output> Output for Vec<T> {
    const KIND: &'static str = "list";
    fn nested() -> Vec<FieldSpec> {
        T::nested()
    }
    fn restrict(&mut self) {
        self.iter_mut().for_each(Output::restrict);
    }
}

/// Fields that several objects have: they stand among the object's own, by `#[view(group)]`.
pub trait FieldGroup {
    /// Its fields in order.
    fn fields() -> Vec<FieldSpec>;
    /// Writes them into the object.
    fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// A date on the wire: `2026-01-31T22:13:20+0000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub Time);

impl From<Time> for Date {
    fn from(time: Time) -> Self {
        Self(time)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format("%Y-%m-%dT%H:%M:%S+0000"))
    }
}
