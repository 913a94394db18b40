//! `createProject`: an account that others share; whoever makes it may change it.

use super::view::{ProjectView, one};
use crate::{
    command::prelude::*,
    store::{owner, project},
};

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

impl ImmediateCommand for CreateProject {
    const SPEC: Spec = Spec {
        name: "createProject",
        about: "Creates a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.CREATE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = One<ProjectView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let Request { name, display_text, account, domain_id } = request;
        if name.trim().is_empty() {
            return Err(Error::invalid("a project needs a name"));
        }
        let owner = owner::designate(tx, caller, (account.as_deref(), *domain_id, None))?;
        let id = Id::mint();
        let text = display_text.as_deref().unwrap_or(name);
        project::insert(tx, id, (name, text), (owner.account, owner.domain))?;
        Ok(Changed::created(id))
    }

    async fn tell(cx: &Cx, id: Id<id::Project>) -> Result<One<ProjectView>> {
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }
}
