//! `createGpuOffering`: names an ordered list of acceptable GPUs.
//!
//! The long form is `gpualternatives[0].gpucardid=..&gpualternatives[0].vgpuprofileid=..&gpualternatives[0].gpucount=2`,
//! the best first; a card alone means the whole card, a profile alone its card, no count one device. The short form is
//! that of a service offering, `vgpuprofileid=..&gpucount=2`: one alternative.

use super::{view::GpuOfferingView, words};
use crate::{
    command::prelude::*,
    domain::placement::{NumaPolicy, Packing},
    store::gpu_offering::{self, Offering, Wanted},
};

/// `createGpuOffering`.
#[derive(Debug)]
pub(super) struct CreateGpuOffering;

/// More devices of one kind no machine holds.
const MOST: i32 = 64;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the GPU offering
    name: String,
    /// the text that people read; the name when not given
    display_text: Option<String>,
    /// the acceptable devices, the best first, as records of gpucardid, vgpuprofileid and gpucount
    #[param(map = "records")]
    gpu_alternatives: Vec<BTreeMap<String, String>>,
    /// the ID of the vGPU profile, when there is one alternative only
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    /// the number of devices of the profile; 1 when not given
    gpu_count: Option<i32>,
    /// whether the first device shows a display
    gpu_display: Option<bool>,
    /// whether all devices must sit on one NUMA node: required, preferred (when not given) or none
    numa_policy: Option<String>,
    /// whether instances are put close together or far apart: pack (when not given) or spread
    placement: Option<String>,
    /// the ID of the domain that may use it, with those below; everyone when not given
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the zone it is for; all when not given
    zone_id: Option<Id<id::Zone>>,
}

impl Command for CreateGpuOffering {
    const SPEC: Spec = Spec {
        name: "createGpuOffering",
        about: "Creates a GPU offering: an ordered list of acceptable cards and profiles",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.OFFERING.CREATE"),
    };
    type Request = Request;
    type Response = One<GpuOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let wanted = wanted(&request)?;
        if request.name.trim().is_empty() {
            return Err(Error::invalid("Failed to create GPU offering: name cannot be blank"));
        }
        let offering = Offering {
            id: Id::mint(),
            display_text: request.display_text.unwrap_or_else(|| request.name.clone()),
            name: request.name,
            display: request.gpu_display.unwrap_or(false),
            numa_policy: match &request.numa_policy {
                Some(word) => words::numa(word)?,
                None => NumaPolicy::Preferred,
            },
            placement: match &request.placement {
                Some(word) => words::packing(word)?,
                None => Packing::Pack,
            },
            state: "Active".to_owned(),
            domain_id: request.domain_id,
            zone_id: request.zone_id,
        };
        let id = offering.id;
        let made = cx
            .write(move |tx, _| {
                gpu_offering::insert(tx, &offering, &wanted)?;
                Ok((Some((Kind::GpuOffering, id.uuid())), gpu_offering::get(tx, id)?))
            })
            .await?;
        Ok(One(made.into()))
    }
}

/// The alternatives of either form.
fn wanted(request: &Request) -> Result<Vec<Wanted>> {
    let Request { gpu_alternatives, vgpu_profile_id, gpu_count, .. } = request;
    match (gpu_alternatives.as_slice(), vgpu_profile_id) {
        ([], None) => Err(Error::invalid(
            "a GPU offering needs gpualternatives, or vgpuprofileid when there is only one",
        )),
        ([], Some(profile)) => {
            let count = count(gpu_count.unwrap_or(1))?;
            Ok(vec![Wanted { card: None, profile: Some(*profile), count }])
        }
        (_, Some(_)) => Err(Error::invalid("give either gpualternatives or vgpuprofileid")),
        (_, None) if gpu_count.is_some() => {
            Err(Error::invalid("gpucount belongs into each of the gpualternatives"))
        }
        (records, None) => records.iter().map(alternative).collect(),
    }
}

pub(super) fn alternative(record: &BTreeMap<String, String>) -> Result<Wanted> {
    let mut wanted = Wanted { card: None, profile: None, count: 1 };
    for (field, value) in record {
        let bad =
            || Error::Invalid(format!("invalid value {value} for {field} of gpualternatives"));
        match field.to_ascii_lowercase().as_str() {
            "gpucardid" => wanted.card = Some(value.parse().map_err(|_| bad())?),
            "vgpuprofileid" => wanted.profile = Some(value.parse().map_err(|_| bad())?),
            "gpucount" | "count" => wanted.count = count(value.trim().parse().map_err(|_| bad())?)?,
            _ => {
                return Err(Error::Invalid(format!(
                    "gpualternatives have gpucardid, vgpuprofileid and gpucount, but not {field}"
                )));
            }
        }
    }
    if wanted.card.is_none() && wanted.profile.is_none() {
        return Err(Error::invalid("each of the gpualternatives needs gpucardid or vgpuprofileid"));
    }
    Ok(wanted)
}

fn count(count: i32) -> Result<i32> {
    match count {
        ..=0 => Err(Error::invalid("GPU count must be greater than 0.")),
        1..=MOST => Ok(count),
        _ => Err(Error::Invalid(format!("GPU count must not be greater than {MOST}."))),
    }
}
