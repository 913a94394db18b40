//! The shapes of answers: a list with its count, one object, success.

use super::{FieldSpec, View};
use crate::error::{Error, Result};
use serde::Serialize;

/// What a command returns.
pub trait Response: Send + 'static {
    /// What is known of it beforehand.
    fn spec() -> ResponseSpec;
    /// The JSON inside the wrapper, without what the caller may not see.
    fn render(self, is_admin: bool) -> Result<String>;
}

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"count":n,"key":[..]}`.
    List,
    /// `{"key":{..}}`.
    Object,
    /// `{"success":true}`.
    Success,
    /// The fields themselves.
    Flat,
}

/// What is known of an answer beforehand.
#[derive(Debug, Clone)]
pub struct ResponseSpec {
    /// Its shape.
    pub shape: Shape,
    /// The key of its objects.
    pub object: Option<&'static str>,
    /// Their fields.
    pub fields: Vec<FieldSpec>,
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(Box::new(error)))
}

/// Rows and how many there are in all.
#[derive(Debug)]
pub struct List<V> {
    /// How many match, before paging.
    pub count: i64,
    /// This page's rows.
    pub items: Vec<V>,
}

impl<V> List<V> {
    /// A page of a list.
    pub fn page(count: i64, items: Vec<V>) -> Self {
        Self { count, items }
    }
    /// A list that is whole.
    pub fn whole(items: Vec<V>) -> Self {
        Self { count: i64::try_from(items.len()).unwrap_or(i64::MAX), items }
    }
}

impl<V: View + Send + 'static> Response for List<V> {
    fn spec() -> ResponseSpec {
        ResponseSpec { shape: Shape::List, object: Some(V::OBJECT), fields: V::fields() }
    }
    /// Nothing found: `{}`; a page past the end: the count alone.
    fn render(mut self, is_admin: bool) -> Result<String> {
        if self.count == 0 && self.items.is_empty() {
            return Ok("{}".to_owned());
        }
        if self.items.is_empty() {
            return Ok(format!("{{\"count\":{}}}", self.count));
        }
        if !is_admin {
            self.items.iter_mut().for_each(super::Output::restrict);
        }
        let mut out = Vec::with_capacity(64 + self.items.len() * 400);
        out.extend_from_slice(format!("{{\"count\":{},\"{}\":", self.count, V::OBJECT).as_bytes());
        serde_json::to_writer(&mut out, &self.items)
            .map_err(|error| Error::Internal(Box::new(error)))?;
        out.push(b'}');
        String::from_utf8(out).map_err(|error| Error::Internal(Box::new(error)))
    }
}

/// One object under its key.
#[derive(Debug)]
pub struct One<V>(pub V);

impl<V: View + Send + 'static> Response for One<V> {
    fn spec() -> ResponseSpec {
        ResponseSpec { shape: Shape::Object, object: Some(V::OBJECT), fields: V::fields() }
    }
    fn render(mut self, is_admin: bool) -> Result<String> {
        if !is_admin {
            self.0.restrict();
        }
        Ok(format!("{{\"{}\":{}}}", V::OBJECT, json(&self.0)?))
    }
}

/// The fields of one object without a key.
#[derive(Debug)]
pub struct Flat<V>(pub V);

impl<V: View + Send + 'static> Response for Flat<V> {
    fn spec() -> ResponseSpec {
        ResponseSpec { shape: Shape::Flat, object: Some(V::OBJECT), fields: V::fields() }
    }
    fn render(mut self, is_admin: bool) -> Result<String> {
        if !is_admin {
            self.0.restrict();
        }
        json(&self.0)
    }
}

/// It worked.
#[derive(Debug, Default)]
pub struct Success(pub Option<String>);

impl Success {
    /// It worked, nothing more to say.
    pub const YES: Self = Self(None);
}

impl Response for Success {
    fn spec() -> ResponseSpec {
        let field =
            |name, about, kind| FieldSpec { name, about, admin: false, kind, nested: Vec::new() };
        let fields = vec![
            field("success", "true if operation is executed successfully", "boolean"),
            field("displaytext", "any text associated with the success or failure", "string"),
        ];
        ResponseSpec { shape: Shape::Success, object: None, fields }
    }
    fn render(self, _: bool) -> Result<String> {
        match self.0 {
            None => Ok("{\"success\":true}".to_owned()),
            Some(text) => Ok(format!("{{\"success\":true,\"displaytext\":{}}}", json(&text)?)),
        }
    }
}
