//! `createVgpuProfile`: a way to consume a card, known before a host shows it.

use super::view::VgpuProfileView;
use crate::{
    command::prelude::*,
    domain::{
        catalogue,
        gpu::{ProfileKind, profile::MOST_MEMORY_MIB},
    },
    store::vgpu_profile::{self, Profile},
};

/// `createVgpuProfile`.
#[derive(Debug)]
pub(super) struct CreateVgpuProfile;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the vGPU profile
    name: String,
    /// the description of the vGPU profile
    description: Option<String>,
    /// the ID of the GPU card
    gpu_card_id: Id<id::GpuCard>,
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
    /// how the profile consumes its card: VirtualFunction, Mediated or Mig; when not given, the name says
    kind: Option<String>,
}

impl Command for CreateVgpuProfile {
    const SPEC: Spec = Spec {
        name: "createVgpuProfile",
        about: "Creates a vGPU profile of a GPU card",
        since: "4.21.0",
        roles: Role::ADMIN,
        event: Some("VGPU.PROFILE.CREATE"),
    };
    type Request = Request;
    type Response = One<VgpuProfileView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        if request.name.trim().is_empty() {
            return Err(Error::invalid("Failed to create vGPU profile: name cannot be blank"));
        }
        let profile = Profile {
            id: Id::mint(),
            card_id: request.gpu_card_id,
            kind: kind(&request)?,
            name: request.name,
            description: request.description,
            video_ram: request.video_ram,
            max_heads: request.max_heads,
            max_resolution_x: request.max_resolution_x,
            max_resolution_y: request.max_resolution_y,
            max_per_gpu: request.max_vgpu_per_physical_gpu,
        };
        check_numbers(
            "create",
            &[
                ("videoram", profile.video_ram),
                ("maxheads", profile.max_heads),
                ("maxresolutionx", profile.max_resolution_x),
                ("maxresolutiony", profile.max_resolution_y),
                ("maxvgpuperphysicalgpu", profile.max_per_gpu),
            ],
        )?;
        let id = profile.id;
        let made = cx
            .write(move |tx, _| {
                vgpu_profile::insert(tx, &profile)?;
                Ok((Some((Kind::VgpuProfile, id.uuid())), vgpu_profile::get(tx, id)?))
            })
            .await?;
        Ok(One(made.into()))
    }
}

/// What the request says, else what the name says: `1g.10gb` and `NVIDIA A100-1-10C` are MIG sizes.
fn kind(request: &Request) -> Result<ProfileKind> {
    let Some(word) = &request.kind else {
        let is_size = request.name.split_once("g.").is_some_and(|(slices, memory)| {
            slices.len() == 1 && slices.parse::<u8>().is_ok() && memory.contains("gb")
        });
        let said = catalogue::read_vgpu_name(&request.name);
        let is_mig = is_size || said.is_some_and(|said| said.mig_slices.is_some());
        return Ok(if is_mig { ProfileKind::Mig } else { ProfileKind::Mediated });
    };
    let known = ProfileKind::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word));
    match known {
        Some(ProfileKind::Passthrough) => Err(Error::invalid(
            "Failed to create vGPU profile: every card has its passthrough profile already",
        )),
        Some(kind) => Ok(*kind),
        None => Err(Error::Invalid(format!(
            "Failed to create vGPU profile: {word} is no kind: say VirtualFunction, Mediated or Mig"
        ))),
    }
}

/// No number of a profile is negative, or so large that the sums of many could not be counted.
pub(super) fn check_numbers(verb: &str, numbers: &[(&str, Option<i64>)]) -> Result<()> {
    let wrong = |(_, number): &&(&str, Option<i64>)| {
        number.is_some_and(|number| !(0..=MOST_MEMORY_MIB).contains(&number))
    };
    match numbers.iter().find(wrong) {
        Some((name, Some(..0))) => {
            Err(Error::Invalid(format!("Failed to {verb} vGPU profile: {name} cannot be negative")))
        }
        Some((name, _)) => Err(Error::Invalid(format!(
            "Failed to {verb} vGPU profile: {name} cannot be more than {MOST_MEMORY_MIB}"
        ))),
        None => Ok(()),
    }
}
