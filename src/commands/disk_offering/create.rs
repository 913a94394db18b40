//! `createDiskOffering`: a size of disk, or one that is chosen with each disk.

use super::{not_here::NotHere, view::DiskOfferingView};
use crate::{
    command::prelude::*,
    commands::disk_rates::DiskRates,
    store::{self, disk_offering},
};

/// `createDiskOffering`.
#[derive(Debug)]
pub(super) struct CreateDiskOffering;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the size of its disks in GB
    disk_size: Option<i64>,
    /// the description of the disk offering
    #[param(max = 255)]
    display_text: Option<String>,
    /// the name of the disk offering
    name: String,
    /// the tags that storage pools must have, joined by commas
    tags: Option<String>,
    /// true when the size is chosen with each disk
    customized: Option<bool>,
    /// true to encrypt its disks, which csgpu does not
    encrypt: Option<bool>,
    #[param(group)]
    _rates: DiskRates,
    #[param(group)]
    _not_here: NotHere,
}

impl Command for CreateDiskOffering {
    const SPEC: Spec = Spec {
        name: "createDiskOffering",
        about: "Creates a disk offering",
        since: "4.0.0",
        roles: Role::ADMIN,
        event: Some("DISK.OFFERING.CREATE"),
    };
    type Request = Request;
    type Response = One<DiskOfferingView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request {
            disk_size,
            display_text,
            name,
            tags,
            customized,
            encrypt,
            _rates: _,
            _not_here: _,
        } = request;
        if encrypt == Some(true) {
            return Err(Error::invalid("csgpu does not encrypt disks: leave encrypt out"));
        }
        let is_customized = customized.unwrap_or(false);
        let gib = match (disk_size, is_customized) {
            (None | Some(0), true) => 0,
            (Some(_), true) => {
                return Err(Error::invalid(
                    "This disksize is not allowed for a customized disk offering",
                ));
            }
            (Some(gib), false) if (1..=65_536).contains(&gib) => gib,
            (Some(gib), false) => {
                let text =
                    format!("Please specify a disk size between 1 Gb and 65536 Gb, not {gib}");
                return Err(Error::Invalid(text));
            }
            (None, false) => {
                return Err(Error::invalid(
                    "Disksize is required for a non-customized disk offering",
                ));
            }
        };
        let new = disk_offering::DiskOffering {
            id: Id::mint(),
            display_text: display_text.unwrap_or_else(|| name.clone()),
            name,
            size: gib << 30,
            is_customized,
            tags: tags.filter(|tags| !tags.is_empty()),
            state: "Active".to_owned(),
        };
        let view = cx
            .write(move |tx, _| {
                disk_offering::insert(tx, &new)?;
                let made = store::now(tx)?;
                let view = DiskOfferingView::from((new.clone(), made));
                Ok((Some((Kind::DiskOffering, new.id.uuid())), view))
            })
            .await?;
        Ok(One(view))
    }
}
