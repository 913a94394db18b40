//! `deletePod`: refused while anything is in it.

use crate::{command::prelude::*, store::pod};

/// `deletePod`.
#[derive(Debug)]
pub(super) struct DeletePod;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the pod
    id: Id<id::Pod>,
}

impl Command for DeletePod {
    const SPEC: Spec = Spec {
        name: "deletePod",
        about: "Removes an empty pod",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("POD.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        cx.write(move |tx, _| {
            pod::remove(tx, id)?;
            Ok((Some((Kind::Pod, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
