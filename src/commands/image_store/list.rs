//! `listImageStores`: where templates are kept.

use super::view::ImageStoreView;
use crate::{command::prelude::*, commands::annotation::view::annotated, store::image_store};

/// `listImageStores`.
#[derive(Debug)]
pub(super) struct ListImageStores;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the image store
    name: Option<String>,
    /// how the image store is reached
    protocol: Option<String>,
    /// who provides the image store
    provider: Option<String>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the ID of the image store
    id: Option<Id<id::ImageStore>>,
    #[param(group)]
    page: Page,
}

impl Command for ListImageStores {
    const SPEC: Spec = Spec {
        name: "listImageStores",
        about: "Lists the image stores",
        since: "4.2.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<ImageStoreView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, protocol, provider, zone_id, id, page } = request;
        if protocol.is_some_and(|protocol| !protocol.eq_ignore_ascii_case("file")) {
            return Ok(List::whole(Vec::new()));
        }
        let filter = image_store::Filter { id, zone: zone_id, name, provider };
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = image_store::list(conn, &filter, &page.window())?;
                Ok((count, annotated(conn, rows.into_iter().map(ImageStoreView::from))?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
