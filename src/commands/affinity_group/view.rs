//! The `affinitygroup` object, and its type.

use crate::{
    command::{OwnerFields, prelude::*},
    domain::identity::shown_path,
    store::affinity_group::{Listed, Row},
};

/// An affinity group.
#[derive(Debug, View)]
#[view(object = "affinitygroup")]
pub struct AffinityGroupView {
    /// the ID of the affinity group
    id: Id<id::AffinityGroup>,
    /// the name of the affinity group
    name: String,
    /// what the affinity group is for
    description: Option<String>,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the name of the owner's domain
    domain: Option<String>,
    /// the path of the owner's domain
    domain_path: Option<String>,
    /// the type: whether its instances share a host, and whether they must
    r#type: Option<String>,
    /// the IDs of its instances
    #[view(name = "virtualmachineIds")]
    vms: Option<Vec<Id<id::Vm>>>,
}

impl From<Listed> for AffinityGroupView {
    fn from(Listed { row, vms }: Listed) -> Self {
        let (domain_id, domain) = (Some(row.domain_id), Some(row.domain.clone()));
        let domain_path = Some(shown_path(&row.domain_path));
        let vms = (!vms.is_empty()).then_some(vms);
        Self { domain_id, domain, domain_path, vms, ..Self::of_instance(row) }
    }
}

impl AffinityGroupView {
    /// As an instance shows its groups: without what the instance says itself.
    pub fn of_instance(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            owner: row.owner.into(),
            domain_id: None,
            domain: None,
            domain_path: None,
            r#type: Some(row.kind),
            vms: None,
        }
    }
}

/// A type of affinity groups.
#[derive(Debug, View)]
#[view(object = "affinityGroupType")]
pub struct TypeView {
    /// the name of the type
    pub(super) r#type: String,
}
