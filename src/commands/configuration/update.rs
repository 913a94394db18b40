//! `updateConfiguration`: gives a setting another value.

use super::{
    key,
    place::{Place, check},
    view::ConfigurationView,
};
use crate::{command::prelude::*, store::setting};

/// `updateConfiguration`.
#[derive(Debug)]
pub(super) struct UpdateConfiguration;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the setting
    name: String,
    /// the value of the setting
    #[param(max = 4096)]
    value: Option<String>,
    #[param(group)]
    place: Place,
    /// the image store that the value is for
    #[param(name = "imagestoreuuid")]
    image_store: Option<Id<id::ImageStore>>,
}

impl Command for UpdateConfiguration {
    const SPEC: Spec = Spec {
        name: "updateConfiguration",
        about: "Gives a setting another value",
        since: "0.1",
        roles: Role::ADMIN,
        event: Some("CONFIGURATION.VALUE.EDIT"),
    };
    type Request = Request;
    type Response = One<ConfigurationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, value, place, image_store } = request;
        let key = key(&cx.settings, &name)?;
        let place = place.scope(image_store)?;
        check(&key, place)?;
        let value = value.ok_or_else(|| Error::Invalid(format!("{name} needs a value")))?;
        let value = key.check(&value).map_err(|why| Error::Invalid(format!("{name}: {why}")))?;
        let (known, text) = (key.clone(), value.clone());
        cx.write(move |tx, _| {
            match place {
                Some(place) => setting::put_for(tx, place, &known, Some(&text))?,
                None => setting::put(tx, &known, Some(&text))?,
            }
            Ok((None, ()))
        })
        .await?;
        Ok(One(ConfigurationView::new(key, Some(value), place.map(|(scope, _)| scope))))
    }
}
