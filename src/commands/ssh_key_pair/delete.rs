//! `deleteSSHKeyPair`: forgets a public key; instances that have it keep it.

use crate::{
    command::prelude::*,
    store::{owner, ssh_key_pair},
};

/// `deleteSSHKeyPair`.
#[derive(Debug)]
pub(super) struct DeleteSshKeyPair;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the key pair
    name: String,
    /// the account that owns the key pair; needs domainid
    account: Option<String>,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that owns it
    project_id: Option<Id<id::Project>>,
}

impl Command for DeleteSshKeyPair {
    const SPEC: Spec = Spec {
        name: "deleteSSHKeyPair",
        about: "Deletes an SSH key pair by its name",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("DELETE.SSH.KEYPAIR"),
    };
    type Request = Request;
    type Response = Success;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { name, account, domain_id, project_id } = request;
        cx.write(move |tx, caller| {
            let owner = owner::designate(tx, caller, (account.as_deref(), domain_id, project_id))?;
            let who = account.as_deref().unwrap_or(&caller.account_name);
            let id = ssh_key_pair::delete_named(tx, owner.account, &name)?.ok_or_else(|| {
                Error::Invalid(format!(
                    "A key pair with name '{name}' does not exist for account {who} in specified domain id"
                ))
            })?;
            Ok((Some((Kind::SshKeyPair, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}
