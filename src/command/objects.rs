//! Parameters of commands that work on things of many nouns: `resourcetype` says of which, and the kernel looks the ids up
//! as those of every other parameter; likewise `entitytype`. And `tags`, as a filter of lists.

use super::{Named, ParamSpec, Params, Reader};
use crate::{
    domain::{EntityType, Id, Kind, ObjectType},
    error::{Error, Result},
};
use csgpu_derive::Params;
use std::collections::BTreeMap;

#[derive(Params)]
struct RawTagged {
    /// the type of the resources: UserVm, Volume, Template, Network, Project, Account or User
    resource_type: String,
    /// the IDs of the resources, joined by commas
    #[param(required)]
    resource_ids: Vec<String>,
}

/// `resourcetype` and `resourceids`: things that can have tags. They stand last in a request: nothing is looked up before all
/// of it is read.
#[derive(Debug, Clone)]
pub struct Tagged {
    /// What they are.
    pub of: &'static ObjectType,
    /// The noun.
    pub kind: Kind,
    /// Which, each once.
    pub ids: Vec<Id<ObjectType>>,
}

impl Params for Tagged {
    fn specs() -> Vec<ParamSpec> {
        RawTagged::specs()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let RawTagged { resource_type, resource_ids } = RawTagged::read(reader)?;
        let of = object_type(&resource_type)?;
        if !of.has_tags {
            return Err(Error::Invalid(format!(
                "The resource type {} doesn't support resource tags",
                of.name
            )));
        }
        let mut ids = Vec::new();
        let mut noun = None;
        for text in &resource_ids {
            let (kind, id) = object(reader, "resourceids", of, text)?;
            noun = Some(kind);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let kind = noun.ok_or_else(|| Error::invalid("there are no IDs in resourceids"))?;
        Ok(Self { of, kind, ids })
    }
}

#[derive(Params)]
struct RawDetailed {
    /// the type of the resource: UserVm, Volume, Template, Network, Nic, Zone, ServiceOffering, Storage, User, ..
    resource_type: String,
    /// the ID of the resource
    resource_id: String,
}

/// `resourcetype` and `resourceid`: a thing that can have details.
#[derive(Debug, Clone, Copy)]
pub struct Detailed {
    /// What it is.
    pub of: &'static ObjectType,
    /// The noun.
    pub kind: Kind,
    /// Which.
    pub id: Id<ObjectType>,
}

impl Params for Detailed {
    fn specs() -> Vec<ParamSpec> {
        RawDetailed::specs()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let RawDetailed { resource_type, resource_id } = RawDetailed::read(reader)?;
        let of = detailed_type(&resource_type)?;
        let (kind, id) = object(reader, "resourceid", of, &resource_id)?;
        Ok(Self { of, kind, id })
    }
}

#[derive(Params)]
struct RawDetailsOf {
    /// the type of the resources, as addResourceDetail takes it
    resource_type: String,
    /// the ID of the resource
    resource_id: Option<String>,
}

/// The same where the thing may stay unnamed.
#[derive(Debug, Clone, Copy)]
pub struct DetailsOf {
    /// Of what.
    pub of: &'static ObjectType,
    /// Of which.
    pub id: Option<Id<ObjectType>>,
}

impl Params for DetailsOf {
    fn specs() -> Vec<ParamSpec> {
        RawDetailsOf::specs()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let RawDetailsOf { resource_type, resource_id } = RawDetailsOf::read(reader)?;
        let of = detailed_type(&resource_type)?;
        let id = resource_id.map(|text| object(reader, "resourceid", of, &text)).transpose()?;
        Ok(Self { of, id: id.map(|(_, id)| id) })
    }
}

/// The type of this name, whose things have details.
fn detailed_type(name: &str) -> Result<&'static ObjectType> {
    let of = object_type(name)?;
    match of.has_details {
        true => Ok(of),
        false => Err(Error::Invalid(format!("ResourceType {} doesn't support metadata", of.name))),
    }
}

#[derive(Params)]
struct RawAnnotated {
    /// the type of the entity: VM, VOLUME, NETWORK, TEMPLATE, SSH_KEYPAIR, HOST, CLUSTER, POD, ZONE, DOMAIN, ..
    entity_type: Option<String>,
    /// the ID of the entity
    entity_id: Option<String>,
}

/// `entitytype` and `entityid`: a thing that can be annotated.
#[derive(Debug, Clone, Copy)]
pub struct Annotated {
    /// What it is.
    pub of: &'static EntityType,
    /// The noun.
    pub kind: Kind,
    /// Which.
    pub id: Id<EntityType>,
}

impl Params for Annotated {
    fn specs() -> Vec<ParamSpec> {
        RawAnnotated::specs()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let RawAnnotated { entity_type, entity_id } = RawAnnotated::read(reader)?;
        let Some(text) = entity_id.filter(|text| !text.is_empty()) else {
            return Err(Error::invalid("I need to have an entity to set an annotation on!"));
        };
        let name = entity_type.unwrap_or_default();
        let of = EntityType::named(&name).ok_or_else(|| {
            Error::Invalid(format!("'{name}' is not a valid EntityType to put annotations on"))
        })?;
        let unknown = || Named::Entity(of.name).unknown(&text);
        let kind = of.kind.ok_or_else(unknown)?;
        let id: Id<EntityType> = text.parse().map_err(|_| unknown())?;
        reader.note_named("entityid", (kind, Named::Entity(of.name)), id.uuid());
        Ok(Self { of, kind, id })
    }
}

/// The type of this name. Error: invalid.
fn object_type(name: &str) -> Result<&'static ObjectType> {
    ObjectType::named(name).ok_or_else(|| Error::Invalid(format!("Invalid resource type {name}")))
}

/// A thing of this type, which the kernel is to look up.
fn object(
    reader: &mut Reader<'_>,
    param: &'static str,
    of: &'static ObjectType,
    text: &str,
) -> Result<(Kind, Id<ObjectType>)> {
    let unknown = || Named::Resource(of.name).unknown(text);
    let kind = of.kind.ok_or_else(unknown)?;
    let id: Id<ObjectType> = text.parse().map_err(|_| unknown())?;
    reader.note_named(param, (kind, Named::Resource(of.name)), id.uuid());
    Ok((kind, id))
}

/// Records of a map as keys with their values, if they have one. Error: invalid, when one has no key.
pub fn pairs(records: &[BTreeMap<String, String>]) -> Result<Vec<(String, Option<String>)>> {
    let pair = |record: &BTreeMap<String, String>| match record.get("key") {
        Some(key) if !key.trim().is_empty() => Ok((key.clone(), record.get("value").cloned())),
        _ => Err(Error::invalid("a key and a value are written [0].key= and [0].value=")),
    };
    records.iter().map(pair).collect()
}

/// Records of a map as keys with their values. Error: invalid, when one has no key or no value.
pub fn valued(records: &[BTreeMap<String, String>]) -> Result<Vec<(String, String)>> {
    let valued = |(key, value): (String, Option<String>)| match value {
        Some(value) if !value.is_empty() => Ok((key, value)),
        _ => Err(Error::Invalid(format!("Value for the key {key} is either null or empty"))),
    };
    pairs(records)?.into_iter().map(valued).collect()
}

#[derive(Params)]
struct RawTags {
    /// only resources with one of these tags, each with its key and value
    tags: Vec<BTreeMap<String, String>>,
}

/// `tags` of lists: a thing that has one of them is listed.
#[derive(Debug, Clone, Default)]
pub struct TagFilter(pub Vec<(String, String)>);

impl Params for TagFilter {
    fn specs() -> Vec<ParamSpec> {
        RawTags::specs()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let raw = RawTags::read(reader)?;
        let pair = |(key, value): (String, Option<String>)| match value {
            Some(value) => Ok((key, value)),
            None => Err(Error::Invalid(format!("No value is passed in for key {key}"))),
        };
        pairs(&raw.tags)?.into_iter().map(pair).collect::<Result<_>>().map(Self)
    }
}
