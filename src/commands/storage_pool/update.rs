//! `updateStoragePool`: name, tags, and whether it takes volumes.

use super::view::{StoragePoolView, one};
use crate::{
    command::{prelude::*, unmet::not_here},
    domain::infra::PoolState,
    store::storage_pool,
};

/// `updateStoragePool`.
#[derive(Debug)]
pub(super) struct UpdateStoragePool;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the storage pool
    id: Id<id::StoragePool>,
    /// the name of the storage pool
    name: Option<String>,
    /// the tags of the storage pool, joined by commas; empty: none
    tags: Option<String>,
    /// whether it takes volumes
    enabled: Option<bool>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What pools have elsewhere.
    NotHere {
        refused "capacityiops" long "the operations a second of the pool, which are not counted";
        refused "capacitybytes" long "the size of the pool, which its host says";
        refused "url" string "another place of the pool: delete it and create it again";
        unused "details" map "details by name";
        refused "istagarule" boolean "whether tags is a rule, which it is not";
    }
}

impl Command for UpdateStoragePool {
    const SPEC: Spec = Spec {
        name: "updateStoragePool",
        about: "Changes a storage pool",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("PRIMARY.STORAGE.EDIT"),
    };
    type Request = Request;
    type Response = One<StoragePoolView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, tags, enabled, _not_here: _ } = request;
        let changes = storage_pool::Changes {
            name: name.filter(|name| !name.is_empty()),
            tags: tags.map(|tags| Some(tags).filter(|tags| !tags.is_empty())),
            state: enabled.map(|on| if on { PoolState::Up } else { PoolState::Disabled }),
        };
        let view = cx
            .write(move |tx, _| {
                storage_pool::change(tx, id, &changes)?;
                Ok((Some((Kind::StoragePool, id.uuid())), one(tx, id)?))
            })
            .await?;
        Ok(One(view))
    }
}
