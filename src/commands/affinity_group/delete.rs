//! `deleteAffinityGroup`: forgets a group; its instances stay where they are and are free to go anywhere.

use crate::{
    command::prelude::*,
    store::{affinity_group, owner},
};
use serde::{Deserialize, Serialize};

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

/// What its job knows: nothing, it is done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {}

impl AsyncCommand for DeleteAffinityGroup {
    const SPEC: Spec = Spec {
        name: "deleteAffinityGroup",
        about: "Deletes an affinity group; its instances stay where they are",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: Some("AG.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
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
        Ok(Admitted {
            plan: Plan {},
            subject: Some((Kind::AffinityGroup, id.uuid())),
            created: None,
            describe: None,
        })
    }

    async fn run(_: &Cx, _: &Plan) -> Result<Success> {
        Ok(Success::YES)
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
