//! `deleteDomain`: removes a domain that is empty, or with `cleanup` everything in it first.

use crate::{
    command::prelude::*,
    store::{identity, project, seed},
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
    /// whether to delete the projects, accounts and domains in it too
    cleanup: Option<bool>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    domain: Id<id::Domain>,
    cleanup: bool,
}

impl AsyncCommand for DeleteDomain {
    const SPEC: Spec = Spec {
        name: "deleteDomain",
        about: "Deletes a domain, which must be empty unless it is cleaned up",
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
            return Err(Error::not_permitted());
        }
        let subject = Some((Kind::Domain, domain.uuid()));
        Ok(Admitted {
            plan: Plan { domain, cleanup: request.cleanup.unwrap_or(false) },
            subject,
            created: None,
            describe: None,
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Success> {
        let domain = plan.domain;
        let mut domains = vec![domain];
        if plan.cleanup {
            let tree = move |conn: &mut Conn| match identity::domain(conn, domain)? {
                Some(top) => {
                    let (accounts, tree) = identity::tree(conn, &top)?;
                    Ok((project::of_domains(conn, &tree)?, accounts, tree))
                }
                None => Ok((Vec::new(), Vec::new(), Vec::new())),
            };
            let (projects, accounts, tree) = cx.db.read(tree).await?;
            // one after the other: each waits for jobs of its own; an account that administers a project stays
            for project in projects {
                let params = [("id", project.to_string()), ("cleanup", "true".to_owned())];
                if let Some(job) = cx.call("deleteProject", &params).await? {
                    cx.finished(job).await?;
                }
            }
            for account in accounts {
                if let Some(job) = cx.call("deleteAccount", &[("id", account.to_string())]).await? {
                    cx.finished(job).await?;
                }
            }
            domains = tree;
        }
        let remove = move |tx: &mut Tx<'_>| {
            domains.iter().try_for_each(|domain| identity::remove_domain(tx, *domain))
        };
        cx.db.txn("delete domain", remove).await?;
        Ok(Success::YES)
    }

    /// What is gone is gone.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
