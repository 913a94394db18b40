//! `listDiskOfferings`: the sizes of disks.

use super::view::DiskOfferingView;
use crate::{command::prelude::*, commands::annotation::view::annotated, store::disk_offering};

/// `listDiskOfferings`.
#[derive(Debug)]
pub(super) struct ListDiskOfferings;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the disk offering
    id: Option<Id<id::DiskOffering>>,
    /// the name of the disk offering
    name: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListDiskOfferings {
    const SPEC: Spec = Spec {
        name: "listDiskOfferings",
        about: "Lists the disk offerings",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<DiskOfferingView>;

    async fn run(cx: &Cx, Request { id, name, listing }: Request) -> Result<Self::Response> {
        // they belong to nobody: the words about owners, which clients send with every list, change nothing
        let window = listing.page.window();
        let (count, views) = cx
            .db
            .read(move |conn| {
                let (count, rows) = disk_offering::list(conn, id, name.as_deref(), &window)?;
                Ok((count, annotated(conn, rows.into_iter().map(DiskOfferingView::from))?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
