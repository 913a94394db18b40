//! `deleteHost`: refused while instances run on it or have disks there; its devices are retired.

use crate::{command::prelude::*, store::host_removal};

/// `deleteHost`.
#[derive(Debug)]
pub(super) struct DeleteHost;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the host
    id: Id<id::Host>,
    /// accepted and without meaning: a host that is in use is never removed
    forced: Option<bool>,
    /// accepted and without meaning: disks are never removed with their host
    #[param(name = "forcedestroylocalstorage")]
    force_destroy_local_storage: Option<bool>,
}

impl Command for DeleteHost {
    const SPEC: Spec = Spec {
        name: "deleteHost",
        about: "Removes a host and retires its devices",
        since: "4.0.0",
        roles: &[Role::Admin, Role::ResourceAdmin],
        event: Some("HOST.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, forced, force_destroy_local_storage } = request;
        let _ = (forced, force_destroy_local_storage);
        cx.write(move |tx, _| {
            host_removal::remove(tx, id)?;
            Ok((Some((Kind::Host, id.uuid())), ()))
        })
        .await?;
        cx.hosts.close(id);
        Ok(Success::YES)
    }
}
