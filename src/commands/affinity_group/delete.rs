//! `deleteAffinityGroup`: forgets a group; its instances stay where they are and are free to go anywhere.

use crate::{
    command::prelude::*,
    store::{affinity_group, owner},
};

/// `deleteAffinityGroup`.
#[derive(Debug)]
pub(super) struct DeleteAffinityGroup;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the account that owns the affinity group; needs domainid
    account: Option<String>,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the affinity group
    id: Option<Id<id::AffinityGroup>>,
    /// the name of the affinity group, instead of its ID
    name: Option<String>,
    /// the ID of the project that owns it
    project_id: Option<Id<id::Project>>,
}

impl ImmediateCommand for DeleteAffinityGroup {
    const SPEC: Spec = Spec {
        name: "deleteAffinityGroup",
        about: "Deletes an affinity group; its instances stay where they are",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: Some("AG.DELETE"),
    };
    type Request = Request;
    type Subject = id::AffinityGroup;
    type Response = Success;

    fn change(
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Changed<id::AffinityGroup>> {
        let Request { account, domain_id, id, name, project_id } = request;
        let id = match (id, name) {
            (Some(id), _) => *id,
            (None, Some(name)) => {
                let words = (account.as_deref(), *domain_id, *project_id);
                let owner = owner::designate(tx, caller, words)?.account;
                let found = affinity_group::named(tx, owner, std::slice::from_ref(name))?;
                found.into_values().next().ok_or_else(|| {
                    Error::Invalid(format!("Unable to find affinity group {name}"))
                })?
            }
            (None, None) => {
                return Err(Error::invalid(
                    "Either the affinity group Id or group name must be specified to delete the group",
                ));
            }
        };
        affinity_group::remove(tx, id)?;
        Ok(Changed::known(id))
    }

    async fn tell(_: &Cx, _: Id<id::AffinityGroup>) -> Result<Success> {
        Ok(Success::YES)
    }
}
