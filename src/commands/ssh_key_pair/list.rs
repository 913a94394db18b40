//! `listSSHKeyPairs`: the public keys that the caller may see.

use super::view::SshKeyPairView;
use crate::{
    command::prelude::*,
    commands::annotation::view::annotated,
    store::{
        owner,
        ssh_key_pair::{self, Filter},
    },
};
use std::sync::Arc;

/// `listSSHKeyPairs`.
#[derive(Debug)]
pub(super) struct ListSshKeyPairs;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the key pair
    id: Option<Id<id::SshKeyPair>>,
    /// the name of the key pair
    name: Option<String>,
    /// the fingerprint of the public key
    fingerprint: Option<String>,
    #[param(group)]
    listing: Listing,
}

impl Command for ListSshKeyPairs {
    const SPEC: Spec = Spec {
        name: "listSSHKeyPairs",
        about: "Lists SSH key pairs",
        since: "0.1",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<SshKeyPairView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id, name, fingerprint, listing } = request;
        let (wanted, window) = (listing.wanted(), listing.page.window());
        let filter = Filter { id, name, fingerprint };
        let caller = Arc::clone(&cx.caller);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let owners = owner::owners(conn, &caller, &wanted, filter.id.is_some())?;
                let (count, rows) = ssh_key_pair::list(conn, &owners, &filter, &window)?;
                let views = rows.into_iter().map(SshKeyPairView::from);
                Ok((count, annotated(conn, views)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
