//! `listGpuDrift`: what hosts show and the books do not say. It reads one small table, however many devices there are.

use super::view::GpuDriftView;
use crate::{
    command::prelude::*,
    domain::gpu::drift::DriftKind,
    store::gpu_drift::{self, Filter},
};

/// `listGpuDrift`.
#[derive(Debug)]
pub(super) struct ListGpuDrift;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the disagreement
    id: Option<Id<id::GpuDrift>>,
    /// the ID of the host
    host_id: Option<Id<id::Host>>,
    /// the ID of the GPU device
    gpu_device_id: Option<Id<id::GpuDevice>>,
    /// only of this kind: Foreign, UsedByOther, NotAttached, Gone, IommuGroup, Link or Driver
    kind: Option<String>,
    /// whether to list those too that an administrator accepted
    accepted: Option<bool>,
    #[param(group)]
    page: Page,
}

impl Command for ListGpuDrift {
    const SPEC: Spec = Spec {
        name: "listGpuDrift",
        about: "Lists where hosts and the inventory disagree about GPU devices",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<GpuDriftView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, host_id, gpu_device_id, kind, accepted, page } = request;
        let word = |word: &String| {
            let known = DriftKind::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word));
            known.copied().ok_or_else(|| {
                let all: Vec<&str> = DriftKind::ALL.iter().map(|kind| kind.as_str()).collect();
                Error::Invalid(format!(
                    "{word} is no kind of drift, it is one of {}",
                    all.join(", ")
                ))
            })
        };
        let filter = Filter {
            id,
            host: host_id,
            device: gpu_device_id,
            kind: kind.as_ref().map(word).transpose()?,
            with_accepted: accepted.unwrap_or(false),
        };
        let read = move |conn: &mut Conn| gpu_drift::list(conn, &filter, &page.window());
        let (count, rows) = cx.db.read(read).await?;
        Ok(List::page(count, rows.into_iter().map(GpuDriftView::from).collect()))
    }
}
