//! `createProject`: an account that others share; whoever makes it may change it.

use super::view::{ProjectView, one};
use crate::{
    command::prelude::*,
    store::{owner, project},
};
use serde::{Deserialize, Serialize};

/// `createProject`.
#[derive(Debug)]
pub(super) struct CreateProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the project, unique in its domain
    name: String,
    /// what the project is for; its name when not given
    #[param(name = "displaytext")]
    display_text: Option<String>,
    /// the account that may change the project; the caller's when not given
    account: Option<String>,
    /// the ID of the domain of that account
    domain_id: Option<Id<id::Domain>>,
}

/// What its job knows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    project: Id<id::Project>,
}

impl AsyncCommand for CreateProject {
    const SPEC: Spec = Spec {
        name: "createProject",
        about: "Creates a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.CREATE"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<ProjectView>;

    /// All of it happens here; the job only tells.
    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Admitted<Plan>> {
        let Request { name, display_text, account, domain_id } = request;
        if name.trim().is_empty() {
            return Err(Error::invalid("a project needs a name"));
        }
        let owner = owner::designate(tx, caller, (account.as_deref(), *domain_id, None))?;
        let id = Id::mint();
        let text = display_text.as_deref().unwrap_or(name);
        project::insert(tx, id, (name, text), (owner.account, owner.domain))?;
        let subject = Some((Kind::Project, id.uuid()));
        Ok(Admitted {
            plan: Plan { project: id },
            subject,
            created: Some(id.uuid()),
            describe: None,
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<One<ProjectView>> {
        let id = plan.project;
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }

    /// One transaction: there is nothing half done.
    async fn undo(_: &Cx, _: &Plan) -> Result<()> {
        Ok(())
    }
}
