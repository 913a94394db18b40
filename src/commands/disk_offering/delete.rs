//! `deleteDiskOffering`: disks made of it stay.

use crate::{command::prelude::*, store::disk_offering};

/// `deleteDiskOffering`.
#[derive(Debug)]
pub(super) struct DeleteDiskOffering;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the disk offering
    id: Id<id::DiskOffering>,
}

impl Command for DeleteDiskOffering {
    const SPEC: Spec = Spec {
        name: "deleteDiskOffering",
        about: "Removes a disk offering",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("DISK.OFFERING.DELETE"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, Request { id }: Request) -> Result<Self::Response> {
        cx.write(move |tx, _| {
            disk_offering::remove(tx, id)?;
            Ok((Some((Kind::DiskOffering, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
