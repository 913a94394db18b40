//! `deleteImageStore`: refused while templates are in it; its files stay.

use crate::{command::prelude::*, store::image_store};

/// `deleteImageStore`.
#[derive(Debug)]
pub(super) struct DeleteImageStore;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the image store
    id: Id<id::ImageStore>,
}

impl Command for DeleteImageStore {
    const SPEC: Spec = Spec {
        name: "deleteImageStore",
        about: "Removes an empty image store",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("IMAGE.STORE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        cx.write(move |tx, _| {
            image_store::remove(tx, id)?;
            Ok((Some((Kind::ImageStore, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
