//! `updateGpuOffering`: other words, scope, policies or alternatives, or its end for new instances. What an instance was
//! made with stays with it until its own offering is changed.

use super::{create, view::GpuOfferingView, words};
use crate::{
    command::prelude::*,
    store::{
        gpu_offering::{self, Change},
        lookup,
    },
};

/// `updateGpuOffering`.
#[derive(Debug)]
pub(super) struct UpdateGpuOffering;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU offering
    id: Id<id::GpuOffering>,
    /// the name of the GPU offering
    name: Option<String>,
    /// the text that people read
    display_text: Option<String>,
    /// the state: Active or Inactive
    state: Option<String>,
    /// all acceptable devices, the best first, as records of gpucardid, vgpuprofileid and gpucount
    #[param(map = "records")]
    gpu_alternatives: Vec<BTreeMap<String, String>>,
    /// whether the first device shows a display
    gpu_display: Option<bool>,
    /// whether all devices must sit on one NUMA node: required, preferred or none
    numa_policy: Option<String>,
    /// whether instances are put close together or far apart: pack or spread
    placement: Option<String>,
    /// the ID of the domain that may use it, with those below; public for everyone
    #[param(name = "domainid", max = 4096)]
    domain: Option<String>,
    /// the ID of the zone it is for; all for every zone
    #[param(name = "zoneid")]
    zone: Option<String>,
}

impl Command for UpdateGpuOffering {
    const SPEC: Spec = Spec {
        name: "updateGpuOffering",
        about: "Changes a GPU offering: its words, scope, policies, alternatives or state",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.OFFERING.EDIT"),
    };
    type Request = Request;
    type Response = One<GpuOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, display_text, state, gpu_display, .. } = request;
        let alternatives: Vec<_> =
            request.gpu_alternatives.iter().map(create::alternative).collect::<Result<_>>()?;
        let domain = scope(request.domain.as_deref(), "public", "domain")?;
        let zone = scope(request.zone.as_deref(), "all", "zone")?;
        if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::invalid("Failed to update GPU offering: name cannot be blank"));
        }
        let state = match state {
            None => None,
            Some(word) if word.eq_ignore_ascii_case("active") => Some("Active".to_owned()),
            Some(word) if word.eq_ignore_ascii_case("inactive") => Some("Inactive".to_owned()),
            Some(word) => {
                return Err(Error::Invalid(format!(
                    "{word} is no state of a GPU offering: say Active or Inactive"
                )));
            }
        };
        let change = Change {
            name,
            display_text,
            state,
            display: gpu_display,
            numa_policy: request.numa_policy.as_deref().map(words::numa).transpose()?,
            placement: request.placement.as_deref().map(words::packing).transpose()?,
            domain_id: domain,
            zone_id: zone,
        };
        let changed = cx
            .write(move |tx, caller| {
                check(tx, caller, &change)?;
                gpu_offering::change(tx, id, &change)?;
                if !alternatives.is_empty() {
                    gpu_offering::set_alternatives(tx, id, &alternatives)?;
                }
                Ok((Some((Kind::GpuOffering, id.uuid())), gpu_offering::get(tx, id)?))
            })
            .await?;
        Ok(One(changed.into()))
    }
}

/// A scope as clients write it: an id, or the word for everything. Outer `None`: it stays as it is.
fn scope<T>(text: Option<&str>, all: &str, what: &str) -> Result<Option<Option<Id<T>>>> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case(all) => Ok(Some(None)),
        Some(text) if text.contains(',') => {
            Err(Error::Invalid(format!("a GPU offering is for one {what}, or for all")))
        }
        Some(text) => text.parse().map(|id| Some(Some(id))).map_err(|_| nothing(what, text)),
    }
}

/// The scope is there.
fn check(conn: &mut Conn, caller: &Caller, change: &Change) -> Result<()> {
    let domain = change.domain_id.flatten().map(|id| (Kind::Domain, id.uuid(), "domain"));
    let zone = change.zone_id.flatten().map(|id| (Kind::Zone, id.uuid(), "zone"));
    for (kind, id, what) in domain.into_iter().chain(zone) {
        if lookup::visible(conn, caller, &[(kind, id)])?.ids.is_empty() {
            return Err(nothing(what, &id.to_string()));
        }
    }
    Ok(())
}

fn nothing(what: &str, id: &str) -> Error {
    Error::Invalid(format!("Failed to update GPU offering: there is no {what} {id}"))
}
