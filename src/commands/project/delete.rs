//! `deleteProject`: removes a project that owns nothing, or with `cleanup` everything in it first.
//!
//! An empty project goes with the request. Another is suspended with it, so nothing new is made in it while its things
//! go, each by the command that a client would use. A second request goes on where the first one failed.

use super::power::changeable;
use crate::{
    command::prelude::*,
    store::{owner, project},
};
use serde::{Deserialize, Serialize};

/// `deleteProject`.
#[derive(Debug)]
pub(super) struct DeleteProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    id: Id<id::Project>,
    /// whether to remove what is in the project too; refused otherwise while there is anything
    #[param(since = "4.16.0")]
    cleanup: Option<bool>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    project: Id<id::Project>,
}

impl AsyncCommand for DeleteProject {
    const SPEC: Spec = Spec {
        name: "deleteProject",
        about: "Deletes a project, which must own nothing unless it is cleaned up",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.DELETE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = Success;

    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let id = request.id;
        let mut gone = changeable(tx, caller, id)?;
        if request.cleanup.unwrap_or(false) {
            gone.is_active = false;
            project::write(tx, &gone)?;
        } else {
            check_empty(tx, gone.account.0)?;
            owner::check_owns_nothing(tx, gone.account.0)?;
            project::remove(tx, &gone)?;
        }
        let subject = Some((Kind::Project, id.uuid()));
        Ok(Admitted { plan: Plan { project: id }, subject, created: None, describe: None })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Success> {
        let id = plan.project;
        let found = match cx.db.read(move |conn| project::get(conn, id)).await {
            Err(Error::NotFound { .. }) => return Ok(Success::YES),
            other => other?,
        };
        cx.clear(found.account.0).await?;
        cx.db
            .txn("delete project", move |tx| {
                let gone = project::hold(tx, id)?;
                owner::check_owns_nothing(tx, gone.account.0)?;
                project::remove(tx, &gone)
            })
            .await?;
        Ok(Success::YES)
    }

    /// What is gone is gone; the project stays suspended.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}

/// Refuses while the project owns anything that people would miss.
fn check_empty(tx: &mut Tx<'_>, account: Id<id::Account>) -> Result<()> {
    let owned = owner::owned(tx, account)?;
    let found = [
        (owned.templates.len(), "Template"),
        (owned.vms.len(), "VirtualMachine"),
        (owned.networks.len(), "Network"),
    ];
    match found.iter().find(|(count, _)| *count > 0) {
        None => Ok(()),
        Some((count, what)) => Err(Error::Conflict(format!(
            "Can't delete the project yet because it has {count} {what} to clean up"
        ))),
    }
}
