//! `deleteDomain`: removes a domain that is empty.

use crate::{
    command::prelude::*,
    store::{identity, seed},
};
use serde::{Deserialize, Serialize};

/// `deleteDomain`.
#[derive(Debug)]
pub(super) struct DeleteDomain;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the domain
    id: Id<id::Domain>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    domain: Id<id::Domain>,
}

impl AsyncCommand for DeleteDomain {
    const SPEC: Spec = Spec {
        name: "deleteDomain",
        about: "Deletes a domain that has no domains and no accounts in it",
        since: "3.0.0",
        roles: &[Role::Admin, Role::DomainAdmin],
        event: Some("DOMAIN.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(
        _: &Env,
        _: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let domain = request.id;
        if domain == seed::ROOT_DOMAIN || domain == caller.domain {
            return Err(Error::Forbidden(
                "Caller does not have permission to operate with provided resource.".into(),
            ));
        }
        let subject = Some((Kind::Domain, domain.uuid()));
        Ok(Admitted { plan: Plan { domain }, subject, created: None, describe: None })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Success> {
        let domain = plan.domain;
        cx.db.txn("delete domain", move |tx| identity::remove_domain(tx, domain)).await?;
        Ok(Success::YES)
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
