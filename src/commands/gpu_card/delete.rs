//! `deleteGpuCard`: forgets a hardware model that nothing is of.

use crate::{command::prelude::*, store::gpu_card};

/// `deleteGpuCard`.
#[derive(Debug)]
pub(super) struct DeleteGpuCard;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU card
    id: Id<id::GpuCard>,
}

impl Command for DeleteGpuCard {
    const SPEC: Spec = Spec {
        name: "deleteGpuCard",
        about: "Deletes a GPU card with its profiles, when neither devices nor offerings use it",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("GPU.CARD.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        cx.write(move |tx, _| {
            gpu_card::remove(tx, id)?;
            Ok((Some((Kind::GpuCard, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
