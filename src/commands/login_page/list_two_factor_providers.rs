//! `listUserTwoFactorAuthenticatorProviders`: none, a second factor is never asked for.

use crate::command::prelude::*;

/// `listUserTwoFactorAuthenticatorProviders`.
#[derive(Debug)]
pub(super) struct ListUserTwoFactorAuthenticatorProviders;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {}

/// A way to show a second factor.
#[derive(Debug, View)]
#[view(object = "providers")]
pub(super) struct ProviderView {
    /// the name of the provider
    name: String,
    /// what the provider asks for
    description: String,
}

impl Command for ListUserTwoFactorAuthenticatorProviders {
    const SPEC: Spec = Spec {
        name: "listUserTwoFactorAuthenticatorProviders",
        about: "Lists the ways to show a second factor, of which there are none",
        since: "4.18.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProviderView>;

    async fn run(_: &Cx, _: Request) -> Result<Self::Response> {
        Ok(List::whole(Vec::new()))
    }
}
