//! For what a request lists or changes settings: for all, or for one zone, account ..

use crate::{
    command::prelude::*,
    domain::setting::{Key, Scope},
};
use uuid::Uuid;

/// The ids of a request, of which one may be given.
#[derive(Debug, Clone, Params)]
pub(super) struct Place {
    /// the zone that the value is for
    zone_id: Option<Id<id::Zone>>,
    /// the cluster that the value is for
    cluster_id: Option<Id<id::Cluster>>,
    /// the storage pool that the value is for
    storage_id: Option<Id<id::StoragePool>>,
    /// the account that the value is for
    account_id: Option<Id<id::Account>>,
    /// the domain that the value is for, and those below it
    domain_id: Option<Id<id::Domain>>,
}

impl Place {
    /// The one thing that is named, if any.
    pub(super) fn scope(
        &self,
        image_store: Option<Id<id::ImageStore>>,
    ) -> Result<Option<(Scope, Uuid)>> {
        let named: Vec<_> = [
            self.zone_id.map(|id| (Scope::Zone, id.uuid())),
            self.cluster_id.map(|id| (Scope::Cluster, id.uuid())),
            self.storage_id.map(|id| (Scope::StoragePool, id.uuid())),
            image_store.map(|id| (Scope::ImageStore, id.uuid())),
            self.domain_id.map(|id| (Scope::Domain, id.uuid())),
            self.account_id.map(|id| (Scope::Account, id.uuid())),
        ]
        .into_iter()
        .flatten()
        .collect();
        match named[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(Error::invalid(
                "cannot handle multiple IDs, provide only one ID corresponding to the scope",
            )),
        }
    }
}

/// Refuses a setting that cannot have a value for this kind of thing.
pub(super) fn check(key: &Key, place: Option<(Scope, Uuid)>) -> Result<()> {
    match place {
        Some((scope, _)) if !key.scopes.contains(&scope) => {
            Err(Error::Invalid(format!("Invalid scope id provided for the parameter {}", key.name)))
        }
        _ => Ok(()),
    }
}
