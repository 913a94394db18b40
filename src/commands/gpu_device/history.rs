//! `listGpuDeviceHistory`: who held a GPU between two times, and whether the history is what was written.

use super::history_view::GpuDeviceHistoryView;
use crate::{
    command::{When, prelude::*},
    store::gpu_history::{self, Filter},
};

/// `listGpuDeviceHistory`.
#[derive(Debug)]
pub(super) struct ListGpuDeviceHistory;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU device, which may be gone; of a physical GPU its parts are listed too
    gpu_device_id: String,
    /// only who held it on this day or at this moment, or later
    start_date: Option<When>,
    /// only who held it before this moment or the end of this day
    end_date: Option<When>,
    #[param(group)]
    page: Page,
}

impl Command for ListGpuDeviceHistory {
    const SPEC: Spec = Spec {
        name: "listGpuDeviceHistory",
        about: "Lists who held a GPU device, the newest first, and whether that history is complete and unchanged",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<GpuDeviceHistoryView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { gpu_device_id, start_date, end_date, page } = request;
        let device = uuid::Uuid::try_parse(&gpu_device_id).map(|id| id.hyphenated().to_string());
        let unknown = || Error::Invalid(format!("there is no GPU device {gpu_device_id}"));
        let filter = Filter {
            device: device.map_err(|_| unknown())?,
            from: start_date.map(When::start),
            to: end_date.map(When::end),
        };
        if filter.from.zip(filter.to).is_some_and(|(from, to)| from > to) {
            return Err(Error::invalid("startdate is after enddate"));
        }
        seal(cx).await;
        let read = move |conn: &mut Conn| gpu_history::list(conn, &filter, &page.window());
        let (count, rows, verdict) = cx.db.read(read).await?.ok_or_else(unknown)?;
        let view = |row| GpuDeviceHistoryView::new(row, &verdict);
        Ok(List::page(count, rows.into_iter().map(view).collect()))
    }
}

/// What happened just now is listed too; where it cannot be written down, what there is is listed.
async fn seal(cx: &Cx) {
    if let Err(error) = cx.db.txn("seal", gpu_history::seal).await {
        tracing::debug!(%error, "not sealed");
    }
}
