//! Whose a thing is, in answers: an account, or a project, whose own account means nothing to people.

use super::{FieldGroup, FieldSpec, Output};
use crate::store::owner::OwnerName;
use serde::ser::SerializeMap;

/// The fields `account`, or `projectid` and `project`; by `#[view(group)]`.
#[derive(Debug, Clone)]
pub struct OwnerFields(OwnerName);

impl From<OwnerName> for OwnerFields {
    fn from(name: OwnerName) -> Self {
        Self(name)
    }
}

impl FieldGroup for OwnerFields {
    fn fields() -> Vec<FieldSpec> {
        let field = |name, about| FieldSpec {
            name,
            about,
            admin: false,
            kind: String::KIND,
            nested: Vec::new(),
        };
        vec![
            field("account", "the account that owns it, unless a project does"),
            field("projectid", "the ID of the project that owns it"),
            field("project", "the name of the project that owns it"),
        ]
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match &self.0.project {
            None => map.serialize_entry("account", &self.0.account),
            Some((id, name)) => {
                map.serialize_entry("projectid", id)?;
                map.serialize_entry("project", name)
            }
        }
    }
}
