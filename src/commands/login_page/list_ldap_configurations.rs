//! `listLdapConfigurations`: none; the web UI does not go on without the answer.

use crate::command::prelude::*;

/// `listLdapConfigurations`.
#[derive(Debug)]
pub(super) struct ListLdapConfigurations;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    #[param(group)]
    _page: Page,
}

/// An LDAP server.
#[derive(Debug, View)]
#[view(object = "LdapConfiguration")]
pub(super) struct LdapConfigurationView {
    /// the name of the host of the LDAP server
    hostname: String,
    /// the port of the LDAP server
    port: i32,
}

impl Command for ListLdapConfigurations {
    const SPEC: Spec = Spec {
        name: "listLdapConfigurations",
        about: "Lists the LDAP servers, of which there are none",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<LdapConfigurationView>;

    async fn run(_: &Cx, _: Request) -> Result<Self::Response> {
        Ok(List::whole(Vec::new()))
    }
}
