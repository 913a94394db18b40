//! `updateGpuOffering`: other words for an offering, or its end for new instances. What it offers never changes.

use super::view::GpuOfferingView;
use crate::{
    command::prelude::*,
    store::gpu_offering::{self, Change},
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
}

impl Command for UpdateGpuOffering {
    const SPEC: Spec = Spec {
        name: "updateGpuOffering",
        about: "Changes the words and the state of a GPU offering",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.OFFERING.EDIT"),
    };
    type Request = Request;
    type Response = One<GpuOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, display_text, state } = request;
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
        let change = Change { name, display_text, state };
        let changed = cx
            .write(move |tx, _| {
                gpu_offering::change(tx, id, &change)?;
                Ok((Some((Kind::GpuOffering, id.uuid())), gpu_offering::get(tx, id)?))
            })
            .await?;
        Ok(One(changed.into()))
    }
}
