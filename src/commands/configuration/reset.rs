//! `resetConfiguration`: takes a setting back to its default.

use super::{key, view::ConfigurationView};
use crate::{command::prelude::*, store::setting};

/// `resetConfiguration`.
#[derive(Debug)]
pub(super) struct ResetConfiguration;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the setting
    name: String,
}

impl Command for ResetConfiguration {
    const SPEC: Spec = Spec {
        name: "resetConfiguration",
        about: "Takes a setting back to its default",
        since: "4.16.0",
        roles: Role::ADMIN,
        event: Some("CONFIGURATION.VALUE.EDIT"),
    };
    type Request = Request;
    type Response = One<ConfigurationView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let key = key(&cx.settings, &request.name)?;
        let known = key.clone();
        cx.write(move |tx, _| Ok((None, setting::put(tx, &known, None)?))).await?;
        Ok(One(ConfigurationView::new(key, None)))
    }
}
