//! `resetConfiguration`: takes a setting back to its default.

use super::{
    key,
    place::{Place, check},
    view::ConfigurationView,
};
use crate::{command::prelude::*, store::setting};

/// `resetConfiguration`.
#[derive(Debug)]
pub(super) struct ResetConfiguration;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the setting
    name: String,
    #[param(group)]
    place: Place,
    /// the image store that the value is for
    image_store_id: Option<Id<id::ImageStore>>,
}

impl Command for ResetConfiguration {
    const SPEC: Spec = Spec {
        name: "resetConfiguration",
        about: "Takes a setting back to its default, or to what it is above the thing that is named",
        since: "4.16.0",
        roles: Role::ADMIN,
        event: Some("CONFIGURATION.VALUE.EDIT"),
    };
    type Request = Request;
    type Response = One<ConfigurationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let key = key(&cx.settings, &request.name)?;
        let place = request.place.scope(request.image_store_id)?;
        check(&key, place)?;
        let known = key.clone();
        let value = cx
            .write(move |tx, _| {
                let Some((scope, of)) = place else {
                    return Ok((None, setting::put(tx, &known, None).map(|()| None)?));
                };
                setting::put_for(tx, (scope, of), &known, None)?;
                Ok((None, setting::changed_for(tx, scope, of)?.remove(&known.name)))
            })
            .await?;
        Ok(One(ConfigurationView::new(key, value, place.map(|(scope, _)| scope))))
    }
}
