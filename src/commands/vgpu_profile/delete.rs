//! `deleteVgpuProfile`: forgets a way to consume a card that nothing uses.

use crate::{command::prelude::*, store::vgpu_profile};

/// `deleteVgpuProfile`.
#[derive(Debug)]
pub(super) struct DeleteVgpuProfile;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the vGPU profile
    id: Id<id::VgpuProfile>,
}

impl Command for DeleteVgpuProfile {
    const SPEC: Spec = Spec {
        name: "deleteVgpuProfile",
        about: "Deletes a vGPU profile that neither devices nor offerings use",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("VGPU.PROFILE.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        cx.write(move |tx, _| {
            vgpu_profile::remove(tx, id)?;
            Ok((Some((Kind::VgpuProfile, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
