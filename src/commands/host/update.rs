//! `updateHost`: name, tags and the administrator's switch.

use super::view::{HostView, one};
use crate::{
    command::{prelude::*, unmet::not_here},
    domain::infra::{ResourceState, by_word},
    store::host,
};

/// `updateHost`.
#[derive(Debug)]
pub(super) struct UpdateHost;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
    /// the name of the host
    name: Option<String>,
    /// whether instances may be placed on the host: Enable or Disable
    allocation_state: Option<String>,
    /// the tags of the host, joined by commas; empty: none
    #[param(name = "hosttags")]
    host_tags: Option<String>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What hosts have elsewhere.
    NotHere {
        refused "url" string "another address of the host: delete it and add it again";
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        unused "cleanupexternaldetails" boolean "whether externaldetails are forgotten";
        refused "istagarule" boolean "whether hosttags is a rule, which it is not";
        unused "oscategoryid" uuid "the ID of the OS category that the host is best for";
    }
}

impl Command for UpdateHost {
    const SPEC: Spec = Spec {
        name: "updateHost",
        about: "Changes a host",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("HOST.EDIT"),
    };
    type Request = Request;
    type Response = One<HostView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, allocation_state, host_tags, _not_here: _ } = request;
        let wanted = allocation_state.filter(|text| !text.is_empty());
        let wanted = wanted.map(|text| switch(&text)).transpose()?;
        let tags = host_tags.map(|tags| {
            let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            Some(tags.collect::<Vec<_>>().join(",")).filter(|tags| !tags.is_empty())
        });
        let name = name.filter(|name| !name.trim().is_empty());
        let server = cx.server;
        let view = cx
            .write(move |tx, _| {
                let before = host::hold(tx, id)?;
                let settled = [ResourceState::Enabled, ResourceState::Disabled];
                if wanted.is_some() && !settled.contains(&before.resource_state) {
                    return Err(Error::Conflict(format!(
                        "host {} is in state {}: cancel its maintenance first",
                        before.name, before.resource_state
                    )));
                }
                let changes = host::Changes {
                    name: name.clone(),
                    tags: tags.clone(),
                    resource_state: wanted,
                    host_key: None,
                };
                host::change(tx, id, &changes)?;
                Ok((Some((Kind::Host, id.uuid())), one(tx, id, server)?))
            })
            .await?;
        Ok(One(view))
    }
}

/// `Enable` and `Disable`, and the states that they lead to.
fn switch(text: &str) -> Result<ResourceState> {
    if text.eq_ignore_ascii_case("Enable") {
        return Ok(ResourceState::Enabled);
    }
    if text.eq_ignore_ascii_case("Disable") {
        return Ok(ResourceState::Disabled);
    }
    by_word(&[ResourceState::Enabled, ResourceState::Disabled], text).ok_or_else(|| {
        Error::Invalid(format!("allocationstate {text} is neither Enable nor Disable"))
    })
}
