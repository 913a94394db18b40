//! The `resourcelimit` and `resourcecount` objects, and the fields of accounts and domains.

use super::Subject;
use crate::{
    command::{FieldGroup, FieldSpec, Output, prelude::*},
    domain::{
        identity::shown_path,
        resource::{Resource, Whose},
    },
    store::limit::Standing,
};
use serde::ser::SerializeMap;

/// A limit.
#[derive(Debug, View)]
#[view(object = "resourcelimit")]
pub struct ResourceLimitView {
    /// the name of the account, unless the limit is a domain's
    account: Option<String>,
    /// the ID of the project, if it is a project's
    project_id: Option<Id<id::Project>>,
    /// the name of the project
    project: Option<String>,
    /// the ID of the domain
    domain_id: Id<id::Domain>,
    /// the name of the domain
    domain: String,
    /// the path of the domain
    domain_path: String,
    /// the number of the resource type
    resource_type: String,
    /// the name of the resource type
    resource_type_name: &'static str,
    /// the most there may be; -1: no limit
    max: i64,
}

/// A count.
#[derive(Debug, View)]
#[view(object = "resourcecount")]
pub struct ResourceCountView {
    /// the name of the account, unless the count is a domain's
    account: Option<String>,
    /// the ID of the project, if it is a project's
    project_id: Option<Id<id::Project>>,
    /// the name of the project
    project: Option<String>,
    /// the ID of the domain
    domain_id: Id<id::Domain>,
    /// the name of the domain
    domain: String,
    /// the path of the domain
    domain_path: String,
    /// the number of the resource type
    resource_type: String,
    /// the name of the resource type
    resource_type_name: &'static str,
    /// how many there are; storage in bytes
    resource_count: i64,
}

impl ResourceLimitView {
    /// What this subject may have of a resource.
    pub(super) fn new(of: &Subject, standing: &Standing) -> Self {
        Self {
            account: of.account_name(),
            project_id: of.project.as_ref().map(|(id, _)| *id),
            project: of.project.as_ref().map(|(_, name)| name.clone()),
            domain_id: of.domain.id,
            domain: of.domain.name.clone(),
            domain_path: shown_path(&of.domain.path),
            resource_type: standing.resource.number().to_string(),
            resource_type_name: standing.resource.name(),
            max: standing.max.map_or(-1, |max| max / standing.resource.unit()),
        }
    }
}

impl ResourceCountView {
    /// What this subject has of a resource.
    pub(super) fn new(of: &Subject, standing: &Standing) -> Self {
        Self {
            account: of.account_name(),
            project_id: of.project.as_ref().map(|(id, _)| *id),
            project: of.project.as_ref().map(|(_, name)| name.clone()),
            domain_id: of.domain.id,
            domain: of.domain.name.clone(),
            domain_path: shown_path(&of.domain.path),
            resource_type: standing.resource.number().to_string(),
            resource_type_name: standing.resource.name(),
            resource_count: standing.used,
        }
    }
}

/// The fields `vmlimit`, `vmtotal`, `vmavailable` and so on of an account or a domain.
#[derive(Debug, Default)]
pub struct Limits(Vec<Standing>);

impl From<Vec<Standing>> for Limits {
    fn from(standings: Vec<Standing>) -> Self {
        Self(standings)
    }
}

/// The same of a project, which has no projects.
#[derive(Debug, Default)]
pub struct ProjectLimits(Limits);

impl From<Vec<Standing>> for ProjectLimits {
    fn from(mut standings: Vec<Standing>) -> Self {
        standings.retain(|standing| Whose::Project.has(standing.resource));
        Self(standings.into())
    }
}

impl FieldGroup for ProjectLimits {
    fn fields() -> Vec<FieldSpec> {
        let [limit, total, available] = Resource::Project.fields();
        let fields = Limits::fields().into_iter();
        fields.filter(|field| ![limit, total, available].contains(&field.name)).collect()
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0.write(map)
    }
}

impl FieldGroup for Limits {
    fn fields() -> Vec<FieldSpec> {
        let field =
            |name, about, kind| FieldSpec { name, about, admin: false, kind, nested: Vec::new() };
        let of = |resource: &Resource| {
            let [limit, total, available] = resource.fields();
            let kind = match resource {
                Resource::SecondaryStorage => f64::KIND,
                _ => i64::KIND,
            };
            [
                field(limit, "the most there may be; storage in GiB, memory in MiB", String::KIND),
                field(total, "how many there are; storage in GiB, memory in MiB", kind),
                field(available, "how many more there may be", String::KIND),
            ]
        };
        Resource::ALL.iter().flat_map(of).collect()
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for standing in &self.0 {
            let (unit, [limit, total, available]) =
                (standing.resource.unit(), standing.resource.fields());
            let text = |amount: Option<i64>| match amount {
                None => "Unlimited".to_owned(),
                Some(amount) => amount.to_string(),
            };
            map.serialize_entry(limit, &text(standing.max.map(|max| max / unit)))?;
            if standing.resource == Resource::SecondaryStorage {
                map.serialize_entry(total, &(standing.used as f64 / unit as f64))?;
            } else {
                map.serialize_entry(total, &(standing.used / unit))?;
            }
            let left = standing.max.map(|max| (max - standing.used).max(0) / unit);
            map.serialize_entry(available, &text(left))?;
        }
        Ok(())
    }
}
