//! `registerSSHKeyPair`: makes a public key known under a name.

use super::{
    key::{self, PublicKey},
    view::MadeView,
};
use crate::{
    command::prelude::*,
    store::{
        owner,
        ssh_key_pair::{self, Listed},
    },
};

/// `registerSSHKeyPair`.
#[derive(Debug)]
pub(super) struct RegisterSshKeyPair;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the key pair
    name: String,
    /// the public key, as authorized_keys has it
    #[param(max = 5120)]
    public_key: String,
    /// the account that will own the key pair; needs domainid
    account: Option<String>,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that owns it
    project_id: Option<Id<id::Project>>,
}

impl Command for RegisterSshKeyPair {
    const SPEC: Spec = Spec {
        name: "registerSSHKeyPair",
        about: "Registers the public key of an SSH key pair under a name",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("REGISTER.SSH.KEYPAIR"),
    };
    type Request = Request;
    type Response = One<MadeView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, public_key, account, domain_id, project_id } = request;
        let public = key::read(&public_key)?;
        Ok(One(MadeView::of(keep(cx, name, public, account, domain_id, project_id).await?, None)))
    }
}

/// Keeps a public key under a name of its owner.
pub(super) async fn keep(
    cx: &Cx,
    name: String,
    public: PublicKey,
    account: Option<String>,
    domain: Option<Id<id::Domain>>,
    project: Option<Id<id::Project>>,
) -> Result<Listed> {
    if name.trim().is_empty() || name.contains(',') {
        return Err(Error::invalid("a key pair needs a name without commas"));
    }
    let id = Id::mint();
    cx.write(move |tx, caller| {
        let owner = owner::designate(tx, caller, (account.as_deref(), domain, project))?;
        let new = ssh_key_pair::New {
            id,
            account_id: owner.account,
            domain_id: owner.domain,
            name: name.clone(),
            fingerprint: public.fingerprint.clone(),
            public_key: public.line.clone(),
        };
        ssh_key_pair::insert(tx, &new)?;
        Ok((Some((Kind::SshKeyPair, id.uuid())), ()))
    })
    .await?;
    cx.db.read(move |conn| ssh_key_pair::one(conn, id)).await
}
