//! `addImageStore`: a directory of the management servers for templates; without a url their own.

use super::view::ImageStoreView;
use crate::{
    command::prelude::*,
    store::{image_store, zone},
};
use std::path::PathBuf;

/// `addImageStore`.
#[derive(Debug)]
pub(super) struct AddImageStore;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the image store
    name: Option<String>,
    /// a directory of the management servers, file:///directory; without it their own
    #[param(max = 2048)]
    url: Option<String>,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// who provides the image store; Local is a directory
    provider: String,
}

impl Command for AddImageStore {
    const SPEC: Spec = Spec {
        name: "addImageStore",
        about: "Adds an image store",
        since: "4.2.0",
        roles: Role::ADMIN,
        event: Some("IMAGE.STORE.CREATE"),
    };
    type Request = Request;
    type Response = One<ImageStoreView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, url, zone_id, provider } = request;
        let url = url.filter(|url| !url.is_empty());
        let directory = match url.as_deref() {
            None => cx.settings.images.clone(),
            Some(url) => directory(url)?,
        };
        let missing =
            || Error::Invalid(format!("{} is no directory of this server", directory.display()));
        let directory =
            directory.canonicalize().ok().filter(|path| path.is_dir()).ok_or_else(missing)?;
        let path = directory.to_str().filter(|path| path.len() <= 200);
        let path = path.ok_or_else(|| Error::invalid("the directory's path is too long"))?;
        let new = image_store::ImageStore {
            id: Id::mint(),
            zone_id,
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("file://{path}")),
            provider,
            path: path.to_owned(),
        };
        let view = cx
            .write(move |tx, _| {
                let zone = new.zone_id.map(|id| zone::hold(tx, id)).transpose()?;
                image_store::insert(tx, &new)?;
                let view = ImageStoreView::from((new.clone(), zone.map(|zone| zone.name)));
                Ok((Some((Kind::ImageStore, new.id.uuid())), view))
            })
            .await?;
        Ok(One(view))
    }
}

fn directory(url: &str) -> Result<PathBuf> {
    let path = url.strip_prefix("file://").filter(|path| path.starts_with('/'));
    path.map(PathBuf::from).ok_or_else(|| {
        Error::Invalid(format!(
            "Unable to use {url} as an image store's url: write file:///directory, a directory that all management servers share"
        ))
    })
}
