//! `updateVgpuProfile`: other words and numbers for a way to consume a card.

use super::{create::check_numbers, view::VgpuProfileView};
use crate::{
    command::prelude::*,
    domain::gpu::ProfileKind,
    store::vgpu_profile::{self, Change},
};

/// `updateVgpuProfile`.
#[derive(Debug)]
pub(super) struct UpdateVgpuProfile;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the vGPU profile
    id: Id<id::VgpuProfile>,
    /// the name of the vGPU profile
    name: Option<String>,
    /// the description of the vGPU profile
    description: Option<String>,
    /// the most devices of the profile on one physical GPU
    max_vgpu_per_physical_gpu: Option<i64>,
    /// the video memory in MiB
    video_ram: Option<i64>,
    /// the most displays
    max_heads: Option<i64>,
    /// the width of the largest display
    max_resolution_x: Option<i64>,
    /// the height of the largest display
    max_resolution_y: Option<i64>,
}

impl Command for UpdateVgpuProfile {
    const SPEC: Spec = Spec {
        name: "updateVgpuProfile",
        about: "Changes a vGPU profile",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("VGPU.PROFILE.EDIT"),
    };
    type Request = Request;
    type Response = One<VgpuProfileView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        let change = Change {
            name: request.name,
            description: request.description,
            video_ram: request.video_ram,
            max_heads: request.max_heads,
            max_resolution_x: request.max_resolution_x,
            max_resolution_y: request.max_resolution_y,
            max_per_gpu: request.max_vgpu_per_physical_gpu,
        };
        if change.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::invalid("Failed to update vGPU profile: name cannot be blank"));
        }
        check_numbers(
            "update",
            &[
                ("videoram", change.video_ram),
                ("maxheads", change.max_heads),
                ("maxresolutionx", change.max_resolution_x),
                ("maxresolutiony", change.max_resolution_y),
                ("maxvgpuperphysicalgpu", change.max_per_gpu),
            ],
        )?;
        let changed = cx
            .write(move |tx, _| {
                let old = vgpu_profile::get(tx, id)?.profile;
                let is_renamed = change.name.as_ref().is_some_and(|name| *name != old.name);
                if is_renamed && old.kind == ProfileKind::Passthrough {
                    // clients look for it by its name
                    return Err(Error::Conflict(format!(
                        "Failed to update vGPU profile: the passthrough profile {id} keeps its name"
                    )));
                }
                vgpu_profile::change(tx, id, &change)?;
                Ok((Some((Kind::VgpuProfile, id.uuid())), vgpu_profile::get(tx, id)?))
            })
            .await?;
        Ok(One(changed.into()))
    }
}
