//! `createSSHKeyPair`: makes a key pair and gives the private half away, once.

use super::{key, view::MadeView};
use crate::command::prelude::*;

/// `createSSHKeyPair`.
#[derive(Debug)]
pub(super) struct CreateSshKeyPair;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the key pair
    name: String,
    /// the account that will own the key pair; needs domainid
    account: Option<String>,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that owns it
    project_id: Option<Id<id::Project>>,
}

impl Command for CreateSshKeyPair {
    const SPEC: Spec = Spec {
        name: "createSSHKeyPair",
        about: "Creates an SSH key pair and returns its private key",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("REGISTER.SSH.KEYPAIR"),
    };
    type Request = Request;
    type Response = One<MadeView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, account, domain_id, project_id } = request;
        let (public, private) = key::make()?;
        let made = super::register::keep(cx, name, public, account, domain_id, project_id).await?;
        Ok(One(MadeView::of(made, Some(private))))
    }
}
