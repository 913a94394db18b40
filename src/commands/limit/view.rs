//! The `resourcelimit` and `resourcecount` objects, and the fields of accounts and domains.

use super::Subject;
use crate::{
    command::{FieldGroup, FieldSpec, Output, prelude::*},
    domain::{
        identity::shown_path,
        resource::{Resource, Whose},
    },
    store::limit::{Power, Standing, Standings, Tagged},
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
    /// the tag, when the limit is for what asks for it
    tag: Option<String>,
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
    /// the tag, when only what asks for it is counted
    tag: Option<String>,
}

impl ResourceLimitView {
    /// What this subject may have of a resource.
    pub(super) fn new(of: &Subject, standing: &Standing, tag: Option<&str>) -> Self {
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
            tag: tag.map(str::to_owned),
        }
    }
}

impl ResourceCountView {
    /// What this subject has of a resource.
    pub(super) fn new(of: &Subject, standing: &Standing, tag: Option<&str>) -> Self {
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
            tag: tag.map(str::to_owned),
        }
    }
}

/// The fields `vmlimit`, `vmtotal`, `vmavailable` and so on of an account or a domain.
#[derive(Debug, Default)]
pub struct Limits(Standings);

impl From<Standings> for Limits {
    fn from(standings: Standings) -> Self {
        Self(standings)
    }
}

/// What an owner has and may have of what asks for a tag.
#[derive(Debug, View)]
#[view(object = "taggedresource")]
pub struct TaggedResourceView {
    /// the number of the resource type
    resource_type: i32,
    /// the name of the resource type
    resource_type_name: &'static str,
    /// the tag
    tag: String,
    /// the most there may be, storage in GiB; -1: no limit
    limit: i64,
    /// how many there are; storage in GiB
    total: i64,
    /// how many more there may be; -1: no limit
    available: i64,
}

impl From<&Tagged> for TaggedResourceView {
    fn from(Tagged { tag, standing }: &Tagged) -> Self {
        let Standing { resource, used, max } = standing;
        let unit = resource.unit();
        Self {
            resource_type: resource.number(),
            resource_type_name: resource.name(),
            tag: tag.clone(),
            limit: max.map_or(-1, |max| max / unit),
            total: used / unit,
            available: max.map_or(-1, |max| (max - used).max(0) / unit),
        }
    }
}

/// The same of an account, with how many of its instances run.
#[derive(Debug, Default)]
pub struct AccountLimits(Limits);

impl From<Standings> for AccountLimits {
    fn from(standings: Standings) -> Self {
        Self(standings.into())
    }
}

impl FieldGroup for AccountLimits {
    fn fields() -> Vec<FieldSpec> {
        Limits::fields().into_iter().chain(power_fields()).collect()
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0.write(map)
    }
}

/// How many instances run, which [`Limits`] writes where it was asked for.
fn power_fields() -> [FieldSpec; 2] {
    [("vmstopped", "how many instances are stopped"), ("vmrunning", "how many instances run")].map(
        |(name, about)| FieldSpec {
            name,
            about,
            admin: false,
            kind: i64::KIND,
            nested: Vec::new(),
        },
    )
}

/// The same of a project, which has no projects.
#[derive(Debug, Default)]
pub struct ProjectLimits(Limits);

impl From<Standings> for ProjectLimits {
    fn from(mut standings: Standings) -> Self {
        standings.all.retain(|standing| Whose::Project.has(standing.resource));
        Self(standings.into())
    }
}

impl FieldGroup for ProjectLimits {
    fn fields() -> Vec<FieldSpec> {
        let [limit, total, available] = Resource::Project.fields();
        let fields = Limits::fields().into_iter();
        let own = fields.filter(|field| ![limit, total, available].contains(&field.name));
        own.chain(power_fields()).collect()
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
        let tagged = FieldSpec {
            name: "taggedresources",
            about: "the same of what asks for tags that have limits",
            admin: false,
            kind: "list",
            nested: TaggedResourceView::fields(),
        };
        Resource::ALL.iter().flat_map(of).chain([tagged]).collect()
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for standing in &self.0.all {
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
        if let Some(Power { running, stopped }) = self.0.power {
            map.serialize_entry("vmstopped", &stopped)?;
            map.serialize_entry("vmrunning", &running)?;
        }
        if !self.0.tagged.is_empty() {
            let tagged: Vec<_> = self.0.tagged.iter().map(TaggedResourceView::from).collect();
            map.serialize_entry("taggedresources", &tagged)?;
        }
        Ok(())
    }
}
